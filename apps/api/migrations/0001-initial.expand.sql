-- The api's tables. Ids are bare uuids, times are the database's, names are unique without case among what is not deleted.

create table api.organization (
  id uuid primary key,
  name text not null,
  display_name text not null default '',
  description text not null default '',
  icon text not null default '',
  is_default boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index organization_name on api.organization (lower(name));
create unique index organization_default on api.organization (is_default) where is_default;
-- There before any user is: daemons with a pre-shared key belong to it.
insert into api.organization (id, name, display_name, is_default) values (gen_random_uuid(), 'default', 'Default', true);

create table api.user (
  id uuid primary key,
  username text not null,
  email text not null,
  name text not null default '',
  avatar_url text not null default '',
  -- scrypt, with its parameters; null where another log-in is used
  password_hash text,
  status text not null default 'active' check (status in ('active', 'dormant', 'suspended')),
  login_type text not null default 'password',
  -- site roles: owner, user-admin, template-admin, auditor
  roles text[] not null default '{}',
  theme_preference text not null default '',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_seen_at timestamptz,
  deleted_at timestamptz
);
create unique index user_username on api.user (lower(username)) where deleted_at is null;
create unique index user_email on api.user (lower(email)) where deleted_at is null;

create table api.organization_member (
  organization_id uuid not null references api.organization,
  user_id uuid not null references api.user,
  roles text[] not null default '{}',
  created_at timestamptz not null default now(),
  primary key (organization_id, user_id)
);

create table api.api_key (
  -- the public half of `id-secret`
  id text primary key,
  user_id uuid not null references api.user,
  secret_hash bytea not null,
  login_type text not null,
  scope text not null default 'all',
  token_name text not null default '',
  lifetime_seconds bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ip_address text not null default ''
);
create index api_key_user on api.api_key (user_id);
create unique index api_key_token_name on api.api_key (user_id, lower(token_name)) where token_name <> '';

create table api.file (
  id uuid primary key,
  -- sha-256
  hash bytea not null,
  mimetype text not null,
  content bytea not null,
  created_by uuid not null references api.user,
  created_at timestamptz not null default now()
);
create unique index file_hash on api.file (hash, created_by);

create table api.template (
  id uuid primary key,
  organization_id uuid not null references api.organization,
  name text not null,
  display_name text not null default '',
  description text not null default '',
  icon text not null default '',
  provisioner text not null default 'terraform',
  active_version_id uuid not null,
  deprecation_message text not null default '',
  -- the public Template's settings, by the names it has there
  settings jsonb not null default '{}',
  created_by uuid not null references api.user,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create unique index template_name on api.template (organization_id, lower(name)) where deleted_at is null;

-- A lease per job: (epoch, renewals, expires_at) in database time. An epoch guards every write of an attempt.
create table api.job (
  id uuid primary key,
  organization_id uuid not null references api.organization,
  initiator_id uuid not null references api.user,
  type text not null check (type in ('template_version_import', 'workspace_build', 'template_version_dry_run')),
  provisioner text not null default 'terraform',
  file_id uuid not null references api.file,
  input jsonb not null default '{}',
  tags jsonb not null default '{}',
  -- the machine that alone may run it (the `local` template); matched beside the tags
  machine_id text,
  traceparent text not null default '',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  started_at timestamptz,
  canceled_at timestamptz,
  completed_at timestamptz,
  error text,
  error_code text,
  -- delivery and lease
  attempt integer not null default 0,
  epoch bigint not null default 0,
  sub_epoch bigint not null default 0,
  daemon_id uuid,
  incarnation uuid,
  delivered_until timestamptz,
  accepted_at timestamptz,
  lease_until timestamptz,
  renewals bigint not null default 0,
  begun_apply_at timestamptz,
  planned text[] not null default '{}',
  -- the highest RunJob sequence committed in this attempt
  committed_sequence bigint not null default 0,
  stage text not null default '',
  -- the last public log id given; it rises over all attempts
  last_log_id bigint not null default 0,
  log_bytes bigint not null default 0,
  logs_overflowed boolean not null default false,
  constraint job_canceled_or_done check (completed_at is null or started_at is not null or canceled_at is not null or error is not null)
);
create index job_waiting on api.job (created_at) where accepted_at is null and completed_at is null;
create index job_running on api.job (lease_until) where started_at is not null and completed_at is null;

create table api.job_log (
  job_id uuid not null references api.job,
  -- given under the job's row lock, so that a follower's `after` never skips a late commit
  id bigint not null,
  attempt integer not null,
  sequence bigint not null,
  created_at timestamptz not null,
  source text not null check (source in ('provisioner_daemon', 'provisioner')),
  level text not null check (level in ('trace', 'debug', 'info', 'warn', 'error')),
  stage text not null,
  output text not null,
  primary key (job_id, id)
);
-- control-plane lines (sequence 0) need no removal of duplicates
create unique index job_log_sequence on api.job_log (job_id, attempt, source, sequence) where sequence > 0;

create table api.template_version (
  id uuid primary key,
  template_id uuid references api.template deferrable initially deferred,
  organization_id uuid not null references api.organization,
  job_id uuid not null unique references api.job,
  name text not null,
  message text not null default '',
  readme text not null default '',
  archived boolean not null default false,
  -- berth.json says {"runsOn": "machine"}: its workspaces belong to the machine of the daemon that built them first
  runs_on_machine boolean not null default false,
  created_by uuid not null references api.user,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index template_version_name on api.template_version (template_id, lower(name));
alter table api.template add foreign key (active_version_id) references api.template_version deferrable initially deferred;

create table api.template_version_parameter (
  template_version_id uuid not null references api.template_version,
  position integer not null,
  name text not null,
  -- the public TemplateVersionParameter
  parameter jsonb not null,
  primary key (template_version_id, name)
);

create table api.template_version_variable (
  template_version_id uuid not null references api.template_version,
  name text not null,
  description text not null default '',
  type text not null default 'string',
  default_value text not null default '',
  value text not null default '',
  required boolean not null default false,
  sensitive boolean not null default false,
  primary key (template_version_id, name)
);

create table api.workspace (
  id uuid primary key,
  organization_id uuid not null references api.organization,
  owner_id uuid not null references api.user,
  template_id uuid not null references api.template,
  name text not null,
  autostart_schedule text,
  ttl_ms bigint,
  automatic_updates text not null default 'never',
  machine_id text,
  favorite boolean not null default false,
  last_used_at timestamptz not null default now(),
  -- no build may begin before this: a Terraform that nobody can reach may still be running
  held_until timestamptz,
  held_reason text not null default '',
  -- the job whose Terraform it is: its daemon's word that it has ended lets go
  held_job_id uuid references api.job,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create unique index workspace_name on api.workspace (owner_id, lower(name)) where deleted_at is null;

create table api.workspace_build (
  id uuid primary key,
  workspace_id uuid not null references api.workspace,
  build_number integer not null,
  template_version_id uuid not null references api.template_version,
  job_id uuid not null unique references api.job,
  transition text not null check (transition in ('start', 'stop', 'delete')),
  initiator_id uuid not null references api.user,
  reason text not null default 'initiator',
  daily_cost integer not null default 0,
  deadline timestamptz,
  max_deadline timestamptz,
  -- true until its job has ended: at most one such build per workspace
  unfinished boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index workspace_build_number on api.workspace_build (workspace_id, build_number);
create unique index workspace_build_unfinished on api.workspace_build (workspace_id) where unfinished;

create table api.workspace_build_parameter (
  workspace_build_id uuid not null references api.workspace_build,
  name text not null,
  value text not null,
  primary key (workspace_build_id, name)
);

-- Terraform states by build: only a rising serial of one lineage replaces a former one.
create table api.workspace_state (
  workspace_build_id uuid primary key references api.workspace_build,
  lineage text not null,
  serial bigint not null,
  state bytea not null,
  final boolean not null default false,
  received_at timestamptz not null default now()
);

create table api.workspace_resource (
  id uuid primary key,
  job_id uuid not null references api.job,
  transition text not null check (transition in ('start', 'stop', 'delete')),
  position integer not null default 0,
  type text not null,
  name text not null,
  hide boolean not null default false,
  icon text not null default '',
  daily_cost integer not null default 0,
  metadata jsonb not null default '[]',
  created_at timestamptz not null default now()
);
create index workspace_resource_job on api.workspace_resource (job_id);

create table api.workspace_agent (
  id uuid primary key,
  -- null until its build has completed: an early agent is known by its token alone
  resource_id uuid references api.workspace_resource,
  -- null for an agent that an import only described
  workspace_id uuid references api.workspace,
  job_id uuid not null references api.job,
  name text not null,
  -- sha-256; null for an agent that an import only described
  token_hash bytea unique,
  -- set when its workspace was stopped, deleted or built anew: the token is then `token_revoked` for ever
  revoked_at timestamptz,
  operating_system text not null default '',
  architecture text not null default '',
  directory text not null default '',
  environment jsonb not null default '{}',
  motd_file text not null default '',
  connection_timeout_seconds integer not null default 120,
  troubleshooting_url text not null default '',
  instance_id text,
  display_apps text[] not null default '{vscode,web_terminal,ssh_helper,port_forwarding_helper}',
  startup_script_behavior text not null default 'non-blocking',
  position integer not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- what the running agent said
  incarnation uuid,
  public_key bytea,
  ssh_host_key text not null default '',
  version text not null default '',
  api_version text not null default '',
  expanded_directory text not null default '',
  subsystems text[] not null default '{}',
  lifecycle_state text not null default 'created',
  first_connected_at timestamptz,
  last_connected_at timestamptz,
  disconnected_at timestamptz,
  started_at timestamptz,
  ready_at timestamptz,
  -- the replica that holds its stream, and a number that rises with each stream
  replica_id uuid,
  stream_sequence bigint not null default 0,
  committed_sequence bigint not null default 0,
  relay_round_trip_ms double precision,
  last_log_id bigint not null default 0,
  logs_length bigint not null default 0,
  logs_overflowed boolean not null default false
);
create index workspace_agent_job on api.workspace_agent (job_id);
create index workspace_agent_resource on api.workspace_agent (resource_id);
create index workspace_agent_workspace on api.workspace_agent (workspace_id);

create table api.workspace_agent_log_source (
  id uuid primary key,
  agent_id uuid not null references api.workspace_agent,
  display_name text not null,
  icon text not null default '',
  created_at timestamptz not null default now()
);

create table api.workspace_agent_script (
  id uuid primary key,
  agent_id uuid not null references api.workspace_agent,
  log_source_id uuid not null references api.workspace_agent_log_source,
  display_name text not null default '',
  source text not null,
  log_path text not null default '',
  cron text not null default '',
  run_on_start boolean not null default false,
  run_on_stop boolean not null default false,
  start_blocks_login boolean not null default false,
  timeout_seconds integer not null default 0,
  position integer not null default 0,
  exit_code integer,
  status text,
  started_at timestamptz,
  ended_at timestamptz
);

-- What an agent measures by a script, and its last result.
create table api.workspace_agent_metadata (
  agent_id uuid not null references api.workspace_agent,
  key text not null,
  display_name text not null default '',
  script text not null,
  interval_seconds bigint not null,
  timeout_seconds bigint not null,
  position integer not null default 0,
  value text not null default '',
  error text not null default '',
  collected_at timestamptz,
  primary key (agent_id, key)
);

create table api.workspace_agent_log (
  agent_id uuid not null references api.workspace_agent,
  id bigint not null,
  log_source_id uuid not null references api.workspace_agent_log_source,
  created_at timestamptz not null,
  level text not null,
  output text not null,
  primary key (agent_id, id)
);

create table api.workspace_agent_stat (
  agent_id uuid not null references api.workspace_agent,
  at timestamptz not null default now(),
  connection_count bigint not null,
  session_count_ssh bigint not null,
  session_count_vscode bigint not null,
  session_count_jetbrains bigint not null,
  received_bytes bigint not null,
  sent_bytes bigint not null,
  median_latency_ms double precision,
  primary key (agent_id, at)
);

create table api.provisioner_key (
  id uuid primary key,
  organization_id uuid not null references api.organization,
  name text not null,
  secret_hash bytea not null unique,
  tags jsonb not null default '{}',
  created_by uuid references api.user,
  created_at timestamptz not null default now(),
  deleted_at timestamptz
);
create unique index provisioner_key_name on api.provisioner_key (organization_id, lower(name)) where deleted_at is null;

create table api.provisioner_daemon (
  -- the id in the daemon's cache directory
  id uuid primary key,
  organization_id uuid not null references api.organization,
  -- 00000000-0000-0000-0000-000000000001 built-in, …2 user, …3 pre-shared key, or an api.provisioner_key
  key_id uuid not null,
  name text not null,
  incarnation uuid not null,
  tags jsonb not null default '{}',
  provisioners text[] not null default '{}',
  machine_id text not null default '',
  version text not null default '',
  api_version text not null default '',
  replica_id uuid,
  current_job_id uuid references api.job,
  previous_job_id uuid references api.job,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now()
);

create table api.audit_log (
  id uuid primary key,
  at timestamptz not null default now(),
  organization_id uuid,
  user_id uuid,
  action text not null,
  resource_type text not null,
  resource_id text not null,
  -- what changed, without secrets
  diff jsonb not null default '{}',
  status_code integer not null,
  ip_address text not null default '',
  user_agent text not null default '',
  request_id uuid not null
);
create index audit_log_at on api.audit_log (at);

-- One row per (key, minute): rate limits are shared by all replicas. Unlogged: after a crash a minute begins anew.
create unlogged table api.rate_limit (
  key text not null,
  minute timestamptz not null,
  count integer not null,
  primary key (key, minute)
);

-- Sessions that agents must end; a snapshot goes down each new agent stream.
create table api.session_end (
  id uuid primary key,
  user_id uuid,
  ticket_id uuid,
  issued_before timestamptz not null,
  at timestamptz not null default now()
);
