using System.Text.Json.Nodes;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Storage;
using MailFlow.Testing;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>
/// Many charts and their contacts on one clock and one schedule, so that one database and its batches hold them all; they know nothing of each other, so
/// each is compared with a reference of its own.
/// </summary>
internal sealed class ChartWorld
{
    private const int Steps = 8;
    private static readonly TimeSpan[] Advances = [TimeSpan.Zero, TimeSpan.FromHours(1), TimeSpan.FromHours(2), TimeSpan.FromHours(5), TimeSpan.FromHours(26)];
    private static readonly TimeSpan Last = TimeSpan.FromDays(1);

    private readonly int _seed;
    private readonly List<(TimeSpan By, bool IsOutage)> _schedule;
    private readonly List<(ChartCase Case, ReferenceInterpreter Reference)> _cases = [];

    private ChartWorld(int seed)
    {
        _seed = seed;
        var random = new Random(seed);
        _schedule = [.. Enumerable.Range(0, Steps).Select(_ => (Advances[random.Next(Advances.Length)], random.Next(3) > 0))];
    }

    public static ChartWorld Generate(int seed, int cases)
    {
        var world = new ChartWorld(seed);
        for (var next = seed * 1_000; world._cases.Count < cases; next++)
        {
            var candidate = ChartCase.Generate(next, Steps);
            var reference = world.Interpret(candidate);
            // A chart whose tokens multiply in a loop would only cost time.
            if (reference.Steps < 400 && reference.MostTokens < 12) world._cases.Add((candidate, reference));
        }
        return world;
    }

    /// <summary>Runs all of it on the engine and throws where a contact's result is not the reference's.</summary>
    public async Task RunAsync(DatabaseKind kind, int batchSize, int workers)
    {
        await using var host = await EngineHost.CreateAsync(kind, batchSize: batchSize, workers: workers);
        foreach (var (each, _) in _cases) await host.PublishAsync(each.Chart.ToJson());
        for (var step = 0; step < Steps; step++)
        {
            var events = _cases.SelectMany(each => each.Case.Events).Where(e => e.Step == step).ToList();
            if (events.Count > 0) await host.EventsAsync(events.ConvertAll(e => host.NewEvent(e.Type, e.User, e.Payload)));
            if (_schedule[step].IsOutage) host.Time.Advance(_schedule[step].By);
            else await host.AdvanceAsync(_schedule[step].By);
        }
        await host.AdvanceAsync(Last);

        var what = $"{kind}, batches of {batchSize}, {workers} worker(s), world {_seed}";
        Assert.Equal(0, await host.Read(session => session.ScalarAsync<long>(
            "SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM dead_letter) + (SELECT count(*) FROM instance WHERE due_at <= @now)", default, ("now", host.Time.GetUtcNow()))));
        await CompareJournalsAsync(host, what);
        await CompareCountersAsync(host, what);
    }

    private ReferenceInterpreter Interpret(ChartCase one)
    {
        var reference = new ReferenceInterpreter(one.Chart, new FakeTime().GetUtcNow().ToUnixTimeMilliseconds());
        for (var step = 0; step < Steps; step++)
        {
            foreach (var e in one.Events.Where(e => e.Step == step)) reference.Accept(e);
            if (_schedule[step].IsOutage) reference.Outage(_schedule[step].By);
            else reference.Advance(_schedule[step].By);
        }
        reference.Advance(Last);
        return reference;
    }

    private async Task CompareJournalsAsync(EngineHost host, string what)
    {
        var instances = (await host.Read(session => session.QueryAsync("SELECT id, status, state, format FROM instance",
            row => (Id: row.Uuid(0), Status: (InstanceStatus)row.Int(1), State: StateCodec.Read(row.Bytes(2), row.Int(3))), default))).ToDictionary(row => row.Id);
        var history = await host.Read(session => session.QueryAsync("""
            SELECT c.user_id, h.instance_id, h.at, h.steps FROM history h JOIN contact c ON c.id = h.contact_id ORDER BY h.at, h.seq
            """, row => (User: row.Text(0), Instance: row.UuidOrNull(1), At: row.Long(2), Steps: JsonNode.Parse(row.Text(3))!.AsArray()), default));
        var byUser = history.ToLookup(row => row.User);
        foreach (var (each, reference) in _cases)
            foreach (var (user, expected) in reference.Results())
            {
                var actual = byUser[user].GroupBy(row => row.Instance).SelectMany(rows =>
                {
                    var lines = rows.SelectMany(row => row.Steps.Select(step => Line(each.Chart, row.At, step!.AsArray())));
                    if (rows.Key is not { } id) return lines;
                    var (_, status, state) = instances[id];
                    var spots = state.Tokens.Select(token => $"{each.Chart.Id(token.Node)}:{token.Phase}:{(token.Phase == TokenPhase.Waiting ? token.Wake : null)}");
                    return [string.Join('\n', [.. lines, $"{status} {string.Join(' ', spots)}".Trim()])];
                }).Order(StringComparer.Ordinal).ToList();
                if (!expected.SequenceEqual(actual)) throw new InvalidOperationException(Report(what, each, user, expected, actual));
            }
    }

    /// <summary>A line of history as the reference writes it.</summary>
    private static string Line(Chart chart, long at, JsonArray step)
    {
        var (node, letter) = (step[0]!.GetValue<int>(), step[1]!.GetValue<string>());
        var (outcome, text) = (step.Count > 2 ? step[2]?.GetValue<string>() : null, step.Count > 3 ? step[3]?.GetValue<string>() : null);
        var told = letter switch
        {
            "C" => $"{outcome} {text}",
            "Z" => text?[(text.IndexOf(':', StringComparison.Ordinal) + 2)..],
            _ => "",
        };
        return $"{at} {(node < 0 ? "-" : chart.Id(node))} {letter} {told?.Trim()}".Trim();
    }

    /// <summary>Entered = unfinished + completed + exited + faulted, and at each activity as many wait as tokens stand there.</summary>
    private async Task CompareCountersAsync(EngineHost host, string what)
    {
        var counts = (await host.Read(session => session.QueryAsync("""
            SELECT j.definition_id, n.node, n.kind, sum(n.n) FROM journey_count n JOIN journey j ON j.id = n.journey_id GROUP BY j.definition_id, n.node, n.kind
            """, row => (Journey: row.Text(0), Node: row.Int(1), Kind: (CountKind)row.Int(2), N: Convert.ToInt64(row.Double(3))), default))).ToLookup(row => row.Journey);
        var unfinished = (await host.Read(session => session.QueryAsync("""
            SELECT j.definition_id, count(*) FROM instance i JOIN journey j ON j.id = i.journey_id WHERE i.status = 0 GROUP BY j.definition_id
            """, row => (Journey: row.Text(0), N: row.Long(1)), default))).ToDictionary(row => row.Journey, row => row.N);
        foreach (var (each, reference) in _cases)
        {
            var ofJourney = counts[each.Chart.Name].ToDictionary(row => (row.Node, row.Kind), row => row.N);
            long Of(CountKind kind) => ofJourney.GetValueOrDefault((-1, kind));
            Assert.True(Of(CountKind.Entered) == unfinished.GetValueOrDefault(each.Chart.Name) + Of(CountKind.Completed) + Of(CountKind.Exited) + Of(CountKind.Faulted), $"{what}: counters of {each.Chart.Name}\n{each.Chart}");
            var waiting = ofJourney.Where(pair => pair.Key.Kind == CountKind.Waiting && pair.Value != 0).OrderBy(pair => pair.Key.Node).Select(pair => (pair.Key.Node, pair.Value));
            Assert.True(waiting.SequenceEqual(reference.Standing().OrderBy(pair => pair.Key).Select(pair => (pair.Key, pair.Value))), $"{what}: waiting counts of {each.Chart.Name}\n{each.Chart}");
        }
    }

    private string Report(string what, ChartCase one, string user, List<string> expected, List<string> actual) => $"""
        {what}, case {one.Seed}, contact {user}
        {one.Chart}
        schedule: {string.Join("; ", _schedule.Select((step, index) => $"{string.Join(' ', one.Events.Where(e => e.Step == index && e.User == user).Select(e => e.Type + e.Payload))} {(step.IsOutage ? "outage" : "advance")} {step.By}"))}
        --- the reference:
        {string.Join("\n\n", expected)}
        --- the engine:
        {string.Join("\n\n", actual)}
        """;
}
