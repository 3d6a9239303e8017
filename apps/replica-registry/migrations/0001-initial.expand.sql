-- Who is there, who watches over whom, and how far apart they are.

-- One row: the revision of the view. It is raised in every transaction that changes a replica, and its lock puts those
-- transactions into one order, so that whoever has seen revision n has seen all up to n.
create table registry.view (
  only_one boolean primary key default true check (only_one),
  revision bigint not null
);
insert into registry.view (revision) values (0);

create sequence registry.join_sequence;

-- A registry beats each second; one whose beat stands still is dead, and its members are nobody's.
create table registry.registry (
  -- the replica id of its process
  id uuid primary key,
  beat bigint not null default 0,
  beaten_at timestamptz not null default now()
);

create table registry.replica (
  id uuid primary key,
  hostname text not null,
  services text[] not null,
  region_id int not null,
  version text not null,
  relay_url text not null,
  access_url text not null,
  ping_address text not null,
  listen_port int not null,
  pool_size int not null,
  state text not null check (state in ('starting', 'ready', 'draining', 'stopped', 'lost', 'unobserved')),
  error text not null default '',
  postgres_round_trip_ms float8,
  started_at timestamptz not null,
  joined_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  -- the registry that holds its stream, and the number of that stream: every verdict names both
  owner_id uuid not null,
  join_sequence bigint not null,
  revision bigint not null
);
create index replica_revision on registry.replica (revision);

create table registry.link (
  from_id uuid not null references registry.replica on delete cascade,
  to_id uuid not null,
  -- over the last minute; null when nothing came back
  median_ms float8,
  worst_ms float8,
  unreachable boolean not null,
  measured_at timestamptz not null default now(),
  primary key (from_id, to_id)
);
