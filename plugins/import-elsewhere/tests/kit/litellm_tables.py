"""A database like LiteLLM's: its tables as far as they are read, and a few that are not.

Source: LiteLLM `schema.prisma`.
"""

from __future__ import annotations

import json
from typing import Any

import asyncpg

_LIMITS = "spend FLOAT8 DEFAULT 0, max_budget FLOAT8, soft_budget FLOAT8"
_RESETS = "budget_duration TEXT, budget_reset_at TIMESTAMP(3)"
_RATES = "tpm_limit BIGINT, rpm_limit BIGINT, max_parallel_requests INT, metadata JSONB DEFAULT '{}'"
SCHEMA = f"""
CREATE TABLE "LiteLLM_VerificationToken" (token TEXT PRIMARY KEY, key_name TEXT, key_alias TEXT, expires TIMESTAMP(3),
  models TEXT[] DEFAULT '{{}}', aliases JSONB DEFAULT '{{}}', user_id TEXT, team_id TEXT, organization_id TEXT,
  blocked BOOLEAN, allowed_routes TEXT[] DEFAULT '{{}}', budget_id TEXT, last_active TIMESTAMP(3),
  created_at TIMESTAMP(3) DEFAULT now(), {_LIMITS}, {_RESETS}, {_RATES});
CREATE TABLE "LiteLLM_UserTable" (user_id TEXT PRIMARY KEY, user_alias TEXT, user_email TEXT, user_role TEXT,
  sso_user_id TEXT, password TEXT, teams TEXT[] DEFAULT '{{}}', models TEXT[] DEFAULT '{{}}',
  {_LIMITS}, {_RESETS}, {_RATES});
CREATE TABLE "LiteLLM_TeamTable" (team_id TEXT PRIMARY KEY, team_alias TEXT, organization_id TEXT,
  members TEXT[] DEFAULT '{{}}', admins TEXT[] DEFAULT '{{}}', members_with_roles JSONB DEFAULT '{{}}',
  models TEXT[] DEFAULT '{{}}', blocked BOOLEAN NOT NULL DEFAULT false, {_LIMITS}, {_RESETS}, {_RATES});
CREATE TABLE "LiteLLM_OrganizationTable" (organization_id TEXT PRIMARY KEY, organization_alias TEXT, budget_id TEXT,
  models TEXT[] DEFAULT '{{}}', spend FLOAT8 DEFAULT 0, metadata JSONB DEFAULT '{{}}');
CREATE TABLE "LiteLLM_BudgetTable" (budget_id TEXT PRIMARY KEY, max_budget FLOAT8, soft_budget FLOAT8,
  budget_duration TEXT, budget_reset_at TIMESTAMP(3));
CREATE TABLE "LiteLLM_DeprecatedVerificationToken" (id TEXT PRIMARY KEY, token TEXT, active_token_id TEXT,
  revoke_at TIMESTAMP(3));
CREATE TABLE "LiteLLM_SpendLogs" (request_id TEXT PRIMARY KEY, spend FLOAT8);
CREATE TABLE "LiteLLM_ProxyModelTable" (model_id TEXT PRIMARY KEY, model_name TEXT);
CREATE TABLE "LiteLLM_MCPServerTable" (server_id TEXT PRIMARY KEY);
"""


async def fill(url: str, **tables: list[dict[str, Any]]) -> None:
    """Rows by table, without the prefix."""
    connection = await asyncpg.connect(url)
    try:
        await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        await connection.execute(SCHEMA)
        for table, rows in tables.items():
            for row in rows:
                names, marks = ", ".join(row), ", ".join(f"${number}" for number, _ in enumerate(row, 1))
                sql = f'INSERT INTO "LiteLLM_{table}" ({names}) VALUES ({marks})'
                await connection.execute(sql, *row.values())
    finally:
        await connection.close()
