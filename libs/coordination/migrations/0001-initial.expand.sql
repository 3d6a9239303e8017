-- What services agree on: who leads, and what only this deployment knows.

create table coordination.lease (
  name text primary key,
  -- the replica that holds it; null when it was given back
  owner uuid,
  -- rises with each holder; guards what it writes
  epoch bigint not null,
  -- tells two holders of one epoch apart, should a failover ever give an epoch twice
  nonce uuid not null,
  -- rises with each renewal: who would take over watches it stand still
  renewals bigint not null default 0,
  expires_at timestamptz not null
);

create table coordination.secret (
  name text primary key,
  value bytea not null,
  created_at timestamptz not null default now()
);

create table coordination.signing_key (
  id uuid primary key,
  -- Ed25519: 32 raw bytes, and PKCS#8
  public_key bytea not null,
  private_key bytea not null,
  -- signs from here until a later key starts
  starts_at timestamptz not null unique,
  -- its signatures are accepted until here
  expires_at timestamptz not null
);
