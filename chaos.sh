#!/usr/bin/env bash
# Runs a cluster of real servers while things go wrong, and then checks every promise: tests/MailFlow.Chaos/README.md.
#   ./chaos.sh --minutes 5 --contacts 20000 --seed 42 [--esp idempotent|searchable|neither] [--faults kill,freeze-at,…]
# What it needs from Debian (PostgreSQL, Redis, RabbitMQ, libfaketime) is what ./test.sh installs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 BuildConsole=false
export MSBUILDDISABLENODEREUSE=1 # no build process stays behind
dotnet build tests/MailFlow.Chaos -c Release --nologo -v quiet
exec dotnet artifacts/bin/MailFlow.Chaos/release/MailFlow.Chaos.dll "$@"
