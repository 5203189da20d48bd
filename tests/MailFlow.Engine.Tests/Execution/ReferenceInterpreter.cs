namespace MailFlow.Engine.Tests.Execution;

/// <summary>
/// What the engine must do, done in the plainest way: one contact, one stimulus, one step at a time, all of it in memory. Written
/// from the specification; it shares nothing with the engine, so that the two can only agree by both being right.
/// </summary>
internal sealed class ReferenceInterpreter(Chart chart, long start)
{
    private readonly bool[] _backward = [.. chart.Edges.Select(edge => Dominates(chart, edge.To, edge.From))];
    private readonly SortedDictionary<string, Person> _people = new(StringComparer.Ordinal);
    private long _now = start;

    /// <summary>How many activities were run.</summary>
    public int Steps { get; private set; }

    /// <summary>The most tokens that one instance had at a time.</summary>
    public int MostTokens { get; private set; }

    private enum Phase { Ready, Arrived, Waiting }

    private sealed class Spot
    {
        public required int Node { get; init; }
        public Phase Phase { get; set; }
        public int Via { get; init; } = -1;
        public bool IsEntry { get; init; }
        public bool IsWoken { get; set; }
        public long? Due { get; set; }
        public string? Event { get; set; }
    }

    private sealed class Trip
    {
        public List<Spot> Spots { get; } = [];
        public List<string> Journal { get; } = [];
        public string Status { get; set; } = "Running";
        public long? Total { get; set; }
        public bool IsRunning => Status == "Running";
    }

    private sealed class Person
    {
        public string? Plan { get; set; }
        public Dictionary<string, int> Counts { get; } = [];
        public List<Trip> Trips { get; } = [];
        public List<string> Refusals { get; } = [];
        public Queue<(long At, ChartEvent Event)> Inbox { get; } = [];
    }

    /// <summary>An event was accepted; nothing is done about it yet.</summary>
    public void Accept(ChartEvent e)
    {
        if (!_people.TryGetValue(e.User, out var person)) _people[e.User] = person = new Person();
        person.Inbox.Enqueue((_now, e));
    }

    /// <summary>The clock moves while nobody works.</summary>
    public void Outage(TimeSpan by) => _now += (long)by.TotalMilliseconds;

    /// <summary>The clock moves and everything is done at its own time.</summary>
    public void Advance(TimeSpan by)
    {
        Run();
        var end = _now + (long)by.TotalMilliseconds;
        while (_people.Values.SelectMany(person => person.Trips).SelectMany(trip => trip.Spots).Min(spot => spot.Due) is { } due && due <= end)
        {
            _now = Math.Max(_now, due);
            Run();
            if (Steps > 2_000) return;
        }
        _now = end;
    }

    /// <summary>Does what is due by now.</summary>
    public void Run()
    {
        foreach (var person in _people.Values)
            while (Next(person) is { } stimulus) stimulus();
    }

    /// <summary>By contact, the journals of all its instances with how each stands at the end.</summary>
    public Dictionary<string, List<string>> Results() => _people.ToDictionary(pair => pair.Key, pair => pair.Value.Trips
        .Select(trip => string.Join('\n', [.. trip.Journal, $"{trip.Status} {string.Join(' ', trip.Spots.Select(spot => $"{chart.Id(spot.Node)}:{spot.Phase}:{spot.Due}"))}".Trim()]))
        .Concat(pair.Value.Refusals).Order(StringComparer.Ordinal).ToList());

    /// <summary>By node, how many tokens stand there.</summary>
    public Dictionary<int, long> Standing() => _people.Values.SelectMany(person => person.Trips).SelectMany(trip => trip.Spots)
        .GroupBy(spot => spot.Node).ToDictionary(group => group.Key, group => (long)group.Count());

    /// <summary>In the order of (instant, timers before the inbox, sequence).</summary>
    private Action? Next(Person person)
    {
        var timer = person.Trips.SelectMany(trip => trip.Spots.Select(spot => (Trip: trip, Spot: spot))).Where(pair => pair.Spot.Due <= _now).OrderBy(pair => pair.Spot.Due).FirstOrDefault();
        if (person.Inbox.TryPeek(out var first) && (timer.Spot is null || first.At < timer.Spot.Due))
            return () => Happen(person, person.Inbox.Dequeue().Event);
        if (timer.Spot is null) return null;
        return () =>
        {
            (timer.Spot.Phase, timer.Spot.Due, timer.Spot.IsWoken) = (Phase.Ready, null, true);
            RunToQuiescence(person, timer.Trip);
        };
    }

    /// <summary>The contact's changes, then exits, then waits that existed before, then entries.</summary>
    private void Happen(Person person, ChartEvent e)
    {
        person.Plan = e.Plan ?? person.Plan;
        person.Counts[e.Type] = person.Counts.GetValueOrDefault(e.Type) + 1;
        var inside = person.Trips.FindAll(trip => trip.IsRunning);
        if (e.Type == chart.ExitOn)
            foreach (var trip in inside) End(trip, "Exited", 'X', "");
        foreach (var trip in inside.Where(trip => trip.IsRunning))
        {
            var woken = trip.Spots.FindAll(spot => spot.Phase == Phase.Waiting && spot.Event == e.Type);
            foreach (var spot in woken) (spot.Phase, spot.IsWoken, spot.Event) = (Phase.Ready, true, null);
            if (woken.Count > 0) trip.Total = e.Total;
            RunToQuiescence(person, trip);
        }
        var trigger = chart.Nodes.ToList().FindIndex(node => node.Kind == ChartKind.Trigger && node.Value == e.Type);
        if (trigger >= 0) Enter(person, trigger, e);
    }

    private void Enter(Person person, int trigger, ChartEvent e)
    {
        if ((chart.Entry == "once" && person.Trips.Count > 0) || (chart.Entry == "one_at_a_time" && person.Trips.Exists(trip => trip.IsRunning)))
        {
            person.Refusals.Add($"{_now} {chart.Id(trigger)} N");
            return;
        }
        var trip = new Trip { Total = e.Total };
        person.Trips.Add(trip);
        Note(trip, trigger, 'E', "");
        trip.Spots.Add(new Spot { Node = trigger, IsEntry = true });
        RunToQuiescence(person, trip);
    }

    private void RunToQuiescence(Person person, Trip trip)
    {
        while (trip.IsRunning && trip.Spots.Find(spot => spot.Phase == Phase.Ready) is { } spot)
        {
            Steps++;
            MostTokens = Math.Max(MostTokens, trip.Spots.Count);
            Step(person, trip, spot);
        }
    }

    private void Step(Person person, Trip trip, Spot spot)
    {
        var node = chart.Nodes[spot.Node];
        switch (node.Kind)
        {
            case ChartKind.Wait when !spot.IsWoken:
                (spot.Phase, spot.Due) = (Phase.Waiting, _now + (long)node.Delay.TotalMilliseconds);
                Note(trip, spot.Node, 'S', "");
                break;
            case ChartKind.On when !spot.IsWoken:
                (spot.Phase, spot.Event) = (Phase.Waiting, node.Value);
                Note(trip, spot.Node, 'S', "");
                break;
            case ChartKind.End or ChartKind.Finish:
                Note(trip, spot.Node, 'C', "");
                End(trip, "Completed", 'Z', "");
                break;
            case ChartKind.If:
                Leave(trip, spot, [node.Rule!.Holds(new ChartView(person.Plan, trip.Total, person.Counts)) ? "True" : "False"]);
                break;
            case ChartKind.Fork:
                Leave(trip, spot, node.Ports);
                break;
            default:
                Leave(trip, spot, ["Done"]);
                break;
        }
    }

    /// <summary>Every connection of a followed outcome carries a token. All of them are on their way before any join or race looks.</summary>
    private void Leave(Trip trip, Spot spot, IReadOnlyList<string> outcomes)
    {
        Note(trip, spot.Node, 'C', $"{string.Join(", ", outcomes)} {(chart.Nodes[spot.Node].Kind == ChartKind.Say ? chart.Id(spot.Node) : "")}".Trim());
        trip.Spots.Remove(spot);
        var races = new HashSet<int>();
        for (var edge = 0; edge < chart.Edges.Count; edge++)
        {
            var (from, port, to) = chart.Edges[edge];
            if (from != spot.Node || !outcomes.Contains(port)) continue;
            var mode = ModeOf(to);
            if (mode == "Race" && !races.Add(to)) continue; // the first token won
            var runs = mode is "Race" or "Cascade" || (mode is "Stream" or "Merge" && Forward(to).Count <= 1);
            trip.Spots.Add(new Spot { Node = to, Via = edge, Phase = runs ? Phase.Ready : Phase.Arrived });
        }
        foreach (var race in races) trip.Spots.RemoveAll(other => IsUpstream(other.Node, race));
        while (JoinOne(trip))
        {
        }
        if (trip.Spots.TrueForAll(other => other.Phase == Phase.Arrived))
            End(trip, "Completed", 'Z', string.Join(", ", trip.Spots.Select(other => chart.Id(other.Node)).Distinct()));
    }

    private bool JoinOne(Trip trip)
    {
        foreach (var first in trip.Spots.Where(spot => spot.Phase == Phase.Arrived))
        {
            var here = trip.Spots.FindAll(spot => spot.Node == first.Node && spot.Phase == Phase.Arrived);
            List<Spot> taken;
            if (ModeOf(first.Node) == "Stream")
            {
                if (trip.Spots.Exists(spot => IsUpstream(spot.Node, first.Node))) continue; // a branch is still alive
                taken = here;
            }
            else
            {
                var wanted = ModeOf(first.Node) == "Converge" ? Enumerable.Range(0, chart.Edges.Count).Where(edge => chart.Edges[edge].To == first.Node).ToList() : Forward(first.Node);
                taken = wanted.ConvertAll(edge => here.Find(spot => spot.Via == edge)!);
                if (taken.Contains(null!)) continue;
            }
            foreach (var spot in taken) trip.Spots.Remove(spot);
            trip.Spots.Add(new Spot { Node = first.Node });
            return true;
        }
        return false;
    }

    private string ModeOf(int node) => chart.Nodes[node] switch
    {
        { MergeMode: { } mode and not "None" } => mode,
        { Kind: ChartKind.Join, Value: "WaitAny" } => "Race",
        { Kind: ChartKind.Join, Value: "WaitAll" } => "Merge",
        _ => "Stream",
    };

    private List<int> Forward(int node) => [.. Enumerable.Range(0, chart.Edges.Count).Where(edge => chart.Edges[edge].To == node && !_backward[edge])];

    /// <summary>Whether a token at one node can still come to the other without going round a loop again.</summary>
    private bool IsUpstream(int node, int of)
    {
        var reached = new HashSet<int>();
        var grown = true;
        while (grown)
        {
            grown = false;
            for (var edge = 0; edge < chart.Edges.Count; edge++)
                if (!_backward[edge] && (chart.Edges[edge].From == node || reached.Contains(chart.Edges[edge].From))) grown |= reached.Add(chart.Edges[edge].To);
        }
        return reached.Contains(of);
    }

    /// <summary>Whether nobody comes to a node but over the other: a connection back to such a one closes a loop.</summary>
    private static bool Dominates(Chart chart, int one, int node)
    {
        var reached = new HashSet<int>(Enumerable.Range(0, chart.Nodes.Count).Where(index => chart.Nodes[index].Kind == ChartKind.Trigger));
        var grown = true;
        while (grown)
        {
            grown = false;
            foreach (var edge in chart.Edges)
                if (edge.To != one && reached.Contains(edge.From)) grown |= reached.Add(edge.To);
        }
        return one == node || !reached.Contains(node);
    }

    private void End(Trip trip, string status, char letter, string text)
    {
        trip.Spots.Clear();
        trip.Status = status;
        trip.Journal.Add($"{_now} - {letter} {text}".Trim());
    }

    private void Note(Trip trip, int node, char letter, string text) => trip.Journal.Add($"{_now} {chart.Id(node)} {letter} {text}".Trim());
}
