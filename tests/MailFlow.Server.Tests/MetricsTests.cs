using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Server.Access;
using MailFlow.Testing;

namespace MailFlow.Server.Tests;

/// <summary>What <c>/metrics</c> gives, and that dashboard, alerts and runbook speak of nothing else.</summary>
public sealed partial class MetricsTests
{
    // Seen red with a metric in the dashboard that was given only once a job had run.
    [Fact]
    public async Task A_server_gives_every_metric_that_dashboard_and_alerts_name_and_no_label_tells_of_an_account_a_journey_or_a_contact()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, TimeProvider.System);
        var folder = Directory.CreateTempSubdirectory("mailflow-metrics-").FullName;
        try
        {
            await using var server = await ServerProcess.StartAsync(folder, test.ConnectionString);
            (await server.Client.PostAsync("/api/v1/events", HttpExtensions.Json(
                """{"event_id":"e-1","event_type":"user_signed_up","user_id":"u-4711","payload":{"contact":{"email":"ada@example.org","first_name":"Ada"}}}"""))).EnsureSuccessStatusCode();
            for (var patience = 0; (await server.ListAsync("/api/v1/messages?user_id=u-4711&state=accepted")).Count == 0; patience++) Assert.True(patience < 10_000, "the mail did not come");

            await server.Client.PostAsync("/api/v1/events", HttpExtensions.Json("""[{"event_id":"e-2"},7]"""));
            await server.Client.PostAsync("/api/v1/events", HttpExtensions.Json("""{"event_id":"e-3"}"""));

            // Counted beside what is real, a simulation's thousand trips would say that much was sent.
            (await server.Client.PostAsync("/api/v1/journeys/welcome-series/simulate", HttpExtensions.Json("""{"contacts":200}"""))).EnsureSuccessStatusCode();

            var text = await server.Client.GetStringAsync("/metrics");
            var series = SeriesIn(text).ToList();
            Assert.Equal(3, series.Single(each => each.Name == "mailflow_events_total" && each.Labels.Contains("rejected", StringComparison.Ordinal)).Value);
            Assert.InRange(series.Where(each => each.Name == "mailflow_messages_total").Sum(each => each.Value), 1, 10);
            Assert.InRange(series.Where(each => each.Name == "mailflow_transitions_total").Sum(each => each.Value), 1, 100);

            var named = NamesIn(File("deploy", "grafana", "mailflow.json")).Concat(NamesIn(File("deploy", "prometheus", "alerts.yml")))
                .Where(name => !name.StartsWith("mailflow_ingestion_", StringComparison.Ordinal)); // a server without a broker has none: KafkaTests look at those
            Assert.Empty(named.Except(series.Select(each => each.Name)));
            var ours = series.FindAll(each => each.Name.StartsWith("mailflow_", StringComparison.Ordinal));
            foreach (var name in new[] { "mailflow_events_total", "mailflow_transitions_total", "mailflow_messages_total", "mailflow_lag_seconds_count", "mailflow_batch_size_count", "mailflow_provider_duration_seconds_count", "mailflow_handover_lag_seconds_count" })
                Assert.True(ours.Where(each => each.Name == name).Sum(each => each.Value) >= 1, name);
            Assert.DoesNotContain("u-4711", text);
            Assert.DoesNotContain("welcome", text);
            Assert.Empty(ours.SelectMany(each => LabelName().Matches(each.Labels).Select(label => label.Groups[1].Value)).Distinct()
                .Except(["otel_scope_name", "result", "kind", "le", "state", "stream", "provider", "answer", "shard", "status", "role"]));
            Assert.Equal(64, ours.Count(each => each.Name == "mailflow_shard_lag_seconds"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Each_alert_has_its_runbook()
    {
        var runbook = File("docs", "operate.md");

        var alerts = Regex.Matches(File("deploy", "prometheus", "alerts.yml"), @"alert: (\w+)").Select(match => match.Groups[1].Value).ToList();

        Assert.NotEmpty(alerts);
        Assert.All(alerts, alert => Assert.Contains($"\n### {alert}\n", runbook));
        Assert.Empty(Regex.Matches(File("deploy", "prometheus", "alerts.yml"), @"runbook: docs/operate\.md#(\w+)").Select(match => match.Groups[1].Value).Except(alerts.Select(alert => alert.ToLowerInvariant())));
    }

    // Seen red: any error told that the database was away.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_database_that_answers_with_an_error_is_up_though_nothing_is_seen_of_it(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        await server.Database.WriteAsync(session => session.ExecuteAsync("DROP TABLE node", default), default);
        using var gauges = Gauges(server);
        var seen = new Dictionary<string, double>();
        using var listener = Listen(gauges, seen);

        await gauges.RefreshAsync(default);
        listener.RecordObservableInstruments();

        Assert.Equal(["mailflow.backlog.age", "mailflow.database.up"], seen.Keys.Order());
        Assert.Equal(1, seen["mailflow.database.up"]);
    }

    // Seen red: it was told that the database was down, and all gauges were gone.
    [Fact]
    public async Task A_look_that_takes_long_says_nothing_of_the_database_and_leaves_for_a_while_what_was_seen()
    {
        var time = new FakeTime();
        await using var server = await ServerUnderTest.StartAsync(DatabaseKind.PostgreSql, workers: false, time: time);
        using var gauges = Gauges(server);
        var seen = new Dictionary<string, double>();
        using var listener = Listen(gauges, seen);
        gauges.LookPatience = Timeout.InfiniteTimeSpan;
        await gauges.RefreshAsync(default);
        time.Advance(TimeSpan.FromSeconds(10)); // what was just seen would do

        await server.Database.WriteAsync(async session =>
        {
            await session.ExecuteAsync("LOCK TABLE webhook_call IN ACCESS EXCLUSIVE MODE", default);
            gauges.LookPatience = TimeSpan.Zero;
            for (var scrape = 0; scrape < 3; scrape++) await gauges.RefreshAsync(default);
            listener.RecordObservableInstruments();
            Assert.Equal((1, 10, true), (seen["mailflow.database.up"], seen["mailflow.backlog.age"], seen.ContainsKey("mailflow.inbox.depth")));

            seen.Clear();
            time.Advance(TimeSpan.FromMinutes(5));
            await gauges.RefreshAsync(default);
            listener.RecordObservableInstruments();
            Assert.Equal(["mailflow.backlog.age", "mailflow.database.up"], seen.Keys.Order());
            Assert.Equal((1, 310), (seen["mailflow.database.up"], seen["mailflow.backlog.age"]));
            gauges.LookPatience = Timeout.InfiniteTimeSpan;
        }, default);

        await gauges.RefreshAsync(default);
        listener.RecordObservableInstruments();
        Assert.Equal((1, 0, true), (seen["mailflow.database.up"], seen["mailflow.backlog.age"], seen.ContainsKey("mailflow.inbox.depth")));
    }

    [Fact]
    public async Task While_the_database_is_away_the_metrics_are_given_and_say_so()
    {
        var time = new FakeTime();
        await using var server = await ServerUnderTest.StartAsync(DatabaseKind.PostgreSql, workers: false, time: time);
        using var gauges = Gauges(server);
        var seen = new Dictionary<string, double>();
        using var listener = Listen(gauges, seen);

        await gauges.RefreshAsync(default);
        listener.RecordObservableInstruments();
        Assert.Equal((1, true), (seen["mailflow.database.up"], seen.ContainsKey("mailflow.inbox.depth")));

        seen.Clear();
        time.Advance(TimeSpan.FromSeconds(10)); // what was just seen would do
        await server.Database.DisposeAsync();
        await gauges.RefreshAsync(default);
        listener.RecordObservableInstruments();
        Assert.Equal(["mailflow.database.up"], seen.Keys);
        Assert.Equal(0, seen["mailflow.database.up"]);
    }

    private static Telemetry.ClusterGauges Gauges(ServerUnderTest server) =>
        new(new Nodes.Cluster(server.Database, server.Services.GetRequiredService<MessageBacklogs>()), server.Database, Microsoft.Extensions.Logging.Abstractions.NullLogger<Telemetry.ClusterGauges>.Instance);

    private static MeterListener Listen(Telemetry.ClusterGauges gauges, Dictionary<string, double> seen)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, its) =>
            {
                if (ReferenceEquals(instrument.Meter, gauges.Meter)) its.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => seen[instrument.Name] = value);
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => seen[instrument.Name] = value);
        listener.Start();
        return listener;
    }

    [Fact]
    public async Task While_the_database_is_away_a_key_that_was_live_within_the_hour_reads_the_metrics_and_nothing_else()
    {
        var time = new FakeTime();
        using var postgres = OwnPostgres.Start(durable: false);
        await using var database = Database.OpenPostgreSql(postgres.ConnectionString, time);
        await Migrator.ApplyAsync(database, [typeof(Database).Assembly, typeof(ApiKeys).Assembly], default);
        var keys = new ApiKeys(database);
        var (made, secret) = await keys.CreateAsync(1, "prometheus", [Scopes.ClusterRead], default);
        Assert.Equal(made.Id, (await keys.FindAsync(secret, mayBeBlind: true, default))?.Id);

        postgres.StopImmediately();
        time.Advance(TimeSpan.FromMinutes(5));

        Assert.Equal(made.Id, (await keys.FindAsync(secret, mayBeBlind: true, default))?.Id);
        await Assert.ThrowsAnyAsync<Exception>(() => keys.FindAsync(secret, mayBeBlind: false, default));
        await Assert.ThrowsAnyAsync<Exception>(() => keys.FindAsync(ApiKey.NewSecret(), mayBeBlind: true, default));
        time.Advance(TimeSpan.FromHours(1));
        await Assert.ThrowsAnyAsync<Exception>(() => keys.FindAsync(secret, mayBeBlind: true, default));
        postgres.Start();
    }

    private static IEnumerable<(string Name, string Labels, double Value)> SeriesIn(string text) =>
        from line in text.Split('\n')
        let match = Series().Match(line)
        where match.Success
        select (match.Groups[1].Value, match.Groups[2].Value, double.Parse(match.Groups[3].Value, System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>In its queries; labels and legends aside.</summary>
    private static IEnumerable<string> NamesIn(string file) => MetricName().Matches(LabelUse().Replace(file, "")).Select(match => match.Value);

    private static string File(params string[] path) => System.IO.File.ReadAllText(Path.Combine([Path.GetDirectoryName(ThisFile())!, "..", "..", .. path]));

    private static string ThisFile([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"^([a-z_0-9]+)(\{.*\})? (\S+)( \d+)?$")]
    private static partial Regex Series();

    [GeneratedRegex(@"by \([^)]*\)|\{\{[^}]*\}\}")]
    private static partial Regex LabelUse();

    [GeneratedRegex(@"(\w+)=""")]
    private static partial Regex LabelName();

    [GeneratedRegex(@"\b(mailflow|dotnet|http_server|db_client)_[a-z_]+\b(?!\.)")]
    private static partial Regex MetricName();
}
