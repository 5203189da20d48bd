using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.Json.Nodes;
using MailFlow.Data;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailFlow.Ingestion.Tests;

/// <summary>
/// A node that takes events from a broker and does no more: what it took stays in the inbox, where a test reads it. Brokers live in real time, so a test waits for what it
/// expects, with a deadline.
/// </summary>
internal sealed class IngestionHost : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), Moment = TimeSpan.FromMilliseconds(20);

    private readonly IHost _host;
    private readonly TestDatabase? _own;

    private IngestionHost(IHost host, Database database, ConcurrentQueue<string> said, TestDatabase? own) => (_host, Database, Said, _own) = (host, database, said, own);

    public Database Database { get; }

    public EventIntake Intake => _host.Services.GetRequiredService<EventIntake>();

    /// <summary>What ingestion has logged, from what is told for information on.</summary>
    public ConcurrentQueue<string> Said { get; }

    /// <summary>What a gauge of the node's meter says now, all its partitions added up.</summary>
    public long Gauge(string name) => Gauges(name).Sum();

    /// <summary>What a gauge of the node's meter says now of each partition.</summary>
    public List<long> Gauges(string name)
    {
        var (meter, values) = (_host.Services.GetRequiredService<IngestionMeter>().Meter, new List<long>());
        using var listener = new MeterListener { InstrumentPublished = (instrument, listening) => { if (instrument.Meter == meter && instrument.Name == name) listening.EnableMeasurementEvents(instrument); } };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => values.Add(value));
        listener.SetMeasurementEventCallback<int>((_, value, _, _) => values.Add(value));
        listener.Start();
        listener.RecordObservableInstruments();
        return values;
    }

    /// <summary>A node with a database of its own.</summary>
    public static async Task<IngestionHost> StartAsync(DatabaseKind kind, IngestionOptions options, IFaultPoints? faults = null)
    {
        var test = await CreateDatabaseAsync(kind);
        return await StartAsync(test.Database, options, faults, test);
    }

    /// <summary>A node on a database that others use too.</summary>
    public static Task<IngestionHost> StartAsync(Database database, IngestionOptions options, IFaultPoints? faults = null) => StartAsync(database, options, faults, null);

    public static async Task<TestDatabase> CreateDatabaseAsync(DatabaseKind kind, TimeProvider? time = null)
    {
        var test = await TestDatabase.CreateAsync(kind, time ?? TimeProvider.System, typeof(Worker).Assembly);
        await test.Database.WriteAsync(session => session.ExecuteAsync("INSERT INTO account (id, name, created_at) VALUES (1, 'One', 0), (2, 'Two', 0)", default), default);
        return test;
    }

    /// <summary>The ids of the events in the inbox, in the order in which they were taken.</summary>
    public static Task<List<(int Account, string User, string Event)>> InboxAsync(Database database) => database.ReadAsync(session => session.QueryAsync(
        "SELECT account_id, user_id, body FROM inbox ORDER BY id", row => (row.Int(0), row.Text(1), JsonNode.Parse(row.Text(2))!["event_id"]!.GetValue<string>()), default), default);

    public async Task<List<string>> EventsAsync() => (await InboxAsync(Database)).ConvertAll(each => each.Event);

    /// <summary>Waits until so many events are in the inbox, and gives their ids.</summary>
    public async Task<List<string>> EventsAsync(int count)
    {
        await UntilAsync(async () => await Database.ReadAsync(session => session.ScalarAsync<long>("SELECT count(*) FROM inbox", default), default) >= count, $"{count} events");
        return await EventsAsync();
    }

    public static async Task UntilAsync(Func<Task<bool>> isSo, string what, TimeSpan? patience = null)
    {
        for (var watch = Stopwatch.StartNew(); !await isSo();)
        {
            Assert.True(watch.Elapsed < (patience ?? Patience), $"Waited in vain for {what}.");
            await Task.Delay(Moment, TimeProvider.System);
        }
    }

    /// <summary>Stops it as SIGTERM does.</summary>
    public Task StopAsync() => _host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await EndAsync();
    }

    private async Task EndAsync()
    {
        if (_host is IAsyncDisposable host) await host.DisposeAsync();
        if (_own is not null) await _own.DisposeAsync();
    }

    private static async Task<IngestionHost> StartAsync(Database database, IngestionOptions options, IFaultPoints? faults, TestDatabase? own)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.AddSimpleConsole(console => (console.SingleLine, console.TimestampFormat) = (true, "HH:mm:ss.fff ")).SetMinimumLevel(LogLevel.Warning);
        var lines = new Lines();
        builder.Logging.AddProvider(lines).AddFilter<Lines>("MailFlow.Ingestion", LogLevel.Information);
        builder.Services.AddSingleton(database).AddSingleton(database.Time);
        if (faults is not null) builder.Services.AddSingleton(faults);
        builder.Services.AddEngine().AddIngestion(options);
        var node = new IngestionHost(builder.Build(), database, lines.Said, own);
        try
        {
            await node._host.StartAsync();
            return node;
        }
        catch
        {
            await node.EndAsync(); // what has not come up cannot be stopped
            throw;
        }
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Said { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Said.Enqueue(formatter(state, exception));

        public void Dispose() { }
    }
}
