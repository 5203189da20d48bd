#!/usr/bin/env bash
# Builds everything with warnings as errors, checks the format and runs every test, on SQLite and on a PostgreSQL of its
# own. Run it from anywhere; as root on Debian it installs what is missing. The last line is the sum of all tests:
#   N passed, N failed, N skipped
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

# What the tests need from Debian: a package, and the file that shows it is there (a pattern).
packages=(
  "postgresql-15  /usr/lib/postgresql/*/bin/initdb"
  "nodejs         /usr/bin/node"
  "npm            /usr/bin/npm"
  "chromium       /usr/bin/chromium"
  "dnsmasq-base   /usr/sbin/dnsmasq"
  "python3-dkim   /usr/bin/dkimverify"
  "python3-dnspython /usr/lib/python3/dist-packages/dns/resolver.py"
  "postfix        /usr/sbin/postfix"
  "redis-server   /usr/bin/redis-server"
  "rabbitmq-server /usr/sbin/rabbitmq-server"
  "kcat           /usr/bin/kcat"
  "libfaketime    /usr/lib/*/faketime/libfaketimeMT.so.1"
)
# Folders with a package-lock.json whose npm packages the tests run: a foreign SMTP server, SendGrid's own check of signatures, a foreign Kafka client, and the console's build.
npm_folders=(tests/MailFlow.Delivery.Tests/SmtpServer tests/MailFlow.Delivery.Tests/SendGridSigner tests/MailFlow.Ingestion.Tests/KafkaClient designer)

export HOME="${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
export MSBUILDDISABLENODEREUSE=1 # no build process stays behind
results="$PWD/artifacts/test-results"
folder= # of PostgreSQL, while it runs
policy= # the file by which apt starts no servers, while it is ours
failed= # what went wrong, for the exit code

say() { printf '\n== %s\n' "$*"; }
fail() { printf '\n!! %s\n' "$*" >&2; failed=yes; }

# Sums the counters of all result files; what was counted but not executed was skipped.
sum() {
  cat "$results"/*.trx 2>/dev/null | grep -o '<Counters [^>]*>' | awk '
    function n(name) { return match($0, " " name "=\"[0-9]+\"") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4) : 0 }
    { passed += n("passed"); failed += n("failed") + n("error") + n("timeout") + n("aborted"); skipped += n("total") - n("executed") }
    END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped }'
}

finish() {
  trap - EXIT
  [ -z "$policy" ] || rm -f "$policy"
  if [ -n "$folder" ]; then
    as_postgres "$binaries/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1
    rm -rf "$folder"
  fi
  local total
  total=$(sum)
  case "$total" in
    "0 passed,"*) failed=yes ;;
    *", 0 failed,"*) ;;
    *) failed=yes ;;
  esac
  printf '\n%s\n' "$total"
  [ -z "$failed" ] && exit 0
  exit 1 # said outright: in a trap, a bare exit gives the status from before it
}

# PostgreSQL will not run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

install_packages() {
  local missing=() entry package file
  for entry in "${packages[@]}"; do
    read -r package file <<<"$entry"
    [ "$package" = postgresql-15 ] && [ -n "${MAILFLOW_TEST_POSTGRES:-}" ] && continue
    compgen -G "$file" >/dev/null || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    fail "The tests need these Debian packages (or their like): ${missing[*]}"
    echo "   As root on Debian 12: apt-get update && apt-get install -y ${missing[*]}" >&2
    echo "   Without PostgreSQL here, set MAILFLOW_TEST_POSTGRES to the connection string of a server whose user may create schemas." >&2
    return 1
  fi
  say "Installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # Of Postfix only the programs are wanted: a mail system of the machine's own is neither set up nor started.
  [[ " ${missing[*]} " == *" postfix "* ]] && echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
  # Nor is any other server: the tests start their own.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    policy=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"
  fi
  { apt-get update -q && apt-get install -q -y --no-install-recommends "${missing[@]}"; } </dev/null || fail "apt-get could not install ${missing[*]}"
  [ -z "$policy" ] || rm -f "$policy"
  policy=
  [ -z "$failed" ]
}

install_npm_packages() {
  local target
  for target in "${npm_folders[@]}"; do
    [ -f "$target/package-lock.json" ] || continue
    cmp -s "$target/package-lock.json" "$target/node_modules/.installed-lock" && continue
    say "npm ci in $target"
    npm ci --prefix "$target" --no-audit --no-fund </dev/null || return 1
    cp "$target/package-lock.json" "$target/node_modules/.installed-lock"
  done
}

# One server for all test projects, on a free port of the loopback interface, in a folder of its own.
start_postgres() {
  say "Starting PostgreSQL"
  binaries=$(dirname "$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1)")
  folder=$(mktemp -d /tmp/mailflow-tests.XXXXXX) || return 1
  [ "$(id -u)" = 0 ] && chown postgres "$folder"
  as_postgres "$binaries/initdb" -D "$folder/data" -U mailflow -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$results/initdb.log" 2>&1 || return 1
  local port
  for _ in 1 2 3 4 5; do # another process may take the port between our look and PostgreSQL's
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue
    as_postgres "$binaries/pg_ctl" -D "$folder/data" -l "$folder/log" -w start -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=300 -c fsync=off -c full_page_writes=off" \
      >/dev/null 2>&1 </dev/null || continue
    export MAILFLOW_TEST_POSTGRES="Host=127.0.0.1;Port=$port;Username=mailflow;Database=postgres"
    return 0
  done
  cat "$folder/log" >&2
  return 1
}

# How many tests of one result file ran.
executed() { grep -o '<Counters [^>]*>' "$1" | grep -o ' executed="[0-9]*"' | grep -o '[0-9][0-9]*' || echo 0; }

# One process a test project; one that ends without a result file (a crashed host) or that ran no test fails.
run_project() {
  local name=$1 log="$results/$1.log"
  if timeout 2400 dotnet test "artifacts/bin/$name/debug/$name.dll" --logger "trx;LogFileName=$name.trx" --results-directory "$results" </dev/null >"$log" 2>&1 \
    && [ -s "$results/$name.trx" ] && [ "$(executed "$results/$name.trx")" -gt 0 ]; then
    printf '   %s: %s\n' "$name" "$(grep -o 'Passed: *[0-9]*.*Duration: [^-]*' "$log" | tail -n 1)"
  else
    { printf '\n!! %s failed:\n' "$name"; tail -n 200 "$log"; } >&2
    return 1
  fi
}

mkdir -p "$results" && rm -f "$results"/*
trap finish EXIT
trap 'fail "interrupted"; exit 1' INT TERM

command -v dotnet >/dev/null || { fail "The .NET SDK $(grep -o '[0-9][0-9.]*' global.json | head -n 1) or newer is needed: https://dotnet.microsoft.com/download"; exit 1; }
install_packages || exit 1
install_npm_packages || { fail "npm ci failed"; exit 1; }

say "Building"
dotnet build MailFlow.sln --nologo -v quiet -warnaserror '-warnnotaserror:NU1901;NU1902;NU1903;NU1904' </dev/null || { fail "the build failed"; exit 1; }

say "Checking the console"
npm run --silent check --prefix designer </dev/null || fail "the console's check failed"

[ -n "${MAILFLOW_TEST_POSTGRES:-}" ] || start_postgres || { fail "PostgreSQL did not start"; exit 1; }

say "Testing, and checking the format meanwhile"
dotnet format MailFlow.sln --verify-no-changes --no-restore </dev/null >"$results/format.log" 2>&1 &
format=$!
export -f run_project executed
export results
projects=$(printf '%s\n' tests/*.Tests/*.csproj | sed 's|.*/||; s|\.csproj$||' | sort -r) # the longest, Server, first
# Two at a time, but for those that need the whole machine: a browser that draws without a graphics card, and clusters of servers. Beside others their waits run out.
alone='Browser|Chaos'
grep -vE "$alone" <<<"$projects" | xargs -P 2 -I {} bash -c 'run_project {}' || fail "tests failed"
grep -E "$alone" <<<"$projects" | xargs -P 1 -I {} bash -c 'run_project {}' || fail "tests failed"
wait "$format" || { fail "the format differs: run dotnet format"; tail -n 50 "$results/format.log" >&2; }
