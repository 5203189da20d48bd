namespace MailFlow.Engine.Tests.Execution;

/// <summary>An event that comes to a contact in one step of the schedule.</summary>
internal sealed record ChartEvent(int Step, string User, string Type, long? Total, string? Plan)
{
    public string Payload
    {
        get
        {
            var members = new List<string>();
            if (Total is { } total) members.Add($"\"total\":{total}");
            if (Plan is { } plan) members.Add($$"""
                "contact":{"plan":"{{plan}}"}
                """.Trim());
            return "{" + string.Join(',', members) + "}";
        }
    }
}

/// <summary>A chart and what comes to its contacts. All of it follows from the seed.</summary>
internal sealed record ChartCase(int Seed, Chart Chart, IReadOnlyList<ChartEvent> Events)
{
    private static readonly TimeSpan[] Delays = [TimeSpan.FromHours(1), TimeSpan.FromHours(3), TimeSpan.FromHours(3.5), TimeSpan.FromDays(1), TimeSpan.FromDays(2)];
    private static readonly string[] MergeModes = ["Stream", "Merge", "Converge", "Cascade", "Race", "None"];
    private static readonly string[] JoinModes = ["WaitAny", "WaitAll", "WaitAllActive"];

    public static ChartCase Generate(int seed, int steps)
    {
        var random = new Random(seed);
        var name = $"c{seed}";
        var chart = RandomChart(random, name);
        // Few shards, so that contacts share batches.
        var users = Enumerable.Range(0, 10_000).Select(i => $"{name}-{i}").Where(user => Data.StableHash.Shard(1, user) < 3).Take(random.Next(1, 7)).ToList();
        var types = new[] { $"{name}_go", $"{name}_go", $"{name}_also", $"{name}_a", $"{name}_a", $"{name}_b" };
        var events = Enumerable.Range(0, users.Count * random.Next(3, 10))
            .Select(_ => new ChartEvent(
                random.Next(steps), users[random.Next(users.Count)], types[random.Next(types.Length)],
                random.Next(2) == 0 ? null : random.Next(10), random.Next(3) switch { 0 => "gold", 1 => "free", _ => null }))
            .OrderBy(e => e.Step).ToList(); // stable
        return new ChartCase(seed, chart, events);
    }

    private static Chart RandomChart(Random random, string name)
    {
        var nodes = new List<ChartNode> { new(ChartKind.Trigger, $"{name}_go") };
        var count = random.Next(3, 13);
        var triggers = random.Next(5) == 0 ? 2 : 1;
        if (triggers == 2) nodes.Add(new ChartNode(ChartKind.Trigger, $"{name}_also"));
        while (nodes.Count < count) nodes.Add(RandomNode(random, name));

        var edges = new List<ChartEdge>();
        for (var to = triggers; to < count; to++)
        {
            var inbound = random.Next(10) < 5 ? 1 : random.Next(2, 4);
            for (var i = 0; i < inbound; i++) Connect(random, nodes, edges, to, [.. Enumerable.Range(0, to).Where(from => !nodes[from].IsTerminal)]);
        }
        for (var loops = random.Next(3); loops > 0; loops--)
        {
            var to = random.Next(triggers, count);
            var before = edges.Count;
            Connect(random, nodes, edges, to, [.. Enumerable.Range(to, count - to).Where(from => !nodes[from].IsTerminal && Dominates(edges, triggers, to, from))]);
            if (HasLoopWithoutWait(nodes, edges)) edges.RemoveRange(before, edges.Count - before);
        }
        // The designer keeps no order of the connections.
        edges = [.. edges.Distinct().OrderBy(_ => random.Next())];
        return new Chart(name, nodes, edges, random.Next(6) switch { 0 => "once", 1 => "one_at_a_time", _ => "every_time" }, random.Next(6) == 0 ? $"{name}_b" : null);
    }

    private static ChartNode RandomNode(Random random, string name)
    {
        var mergeMode = random.Next(6) == 0 ? MergeModes[random.Next(MergeModes.Length)] : null;
        return random.Next(20) switch
        {
            < 5 => new ChartNode(ChartKind.Say, MergeMode: mergeMode),
            < 7 => new ChartNode(ChartKind.If, Rule: RandomRule(random, name), MergeMode: mergeMode),
            < 11 => new ChartNode(ChartKind.Wait, Delay: Delays[random.Next(Delays.Length)], MergeMode: mergeMode),
            < 14 => new ChartNode(ChartKind.On, random.Next(2) == 0 ? $"{name}_a" : $"{name}_go", MergeMode: mergeMode),
            < 16 => new ChartNode(ChartKind.Fork, Branches: random.Next(2, 4), MergeMode: mergeMode),
            < 19 => new ChartNode(ChartKind.Join, JoinModes[random.Next(JoinModes.Length)]),
            _ => new ChartNode(random.Next(2) == 0 ? ChartKind.End : ChartKind.Finish),
        };
    }

    private static ChartRule RandomRule(Random random, string name)
    {
        var n = random.Next(1, 9);
        return random.Next(3) switch
        {
            0 => new ChartRule("contact.plan=='gold'", view => view.Plan == "gold"),
            1 => new ChartRule($"event.total>{n}", view => view.Total > n),
            _ => new ChartRule($"count_events('{name}_a')>={n % 3 + 1}", view => view.Counts.GetValueOrDefault($"{name}_a") >= n % 3 + 1),
        };
    }

    private static void Connect(Random random, List<ChartNode> nodes, List<ChartEdge> edges, int to, List<int> candidates)
    {
        if (candidates.Count == 0) return;
        // Mostly from a node nearby, so that charts become deep as well as wide.
        var from = random.Next(2) == 0 ? candidates[Math.Max(0, candidates.Count - 1 - random.Next(3))] : candidates[random.Next(candidates.Count)];
        edges.Add(new ChartEdge(from, nodes[from].Ports[random.Next(nodes[from].Ports.Count)], to));
    }

    /// <summary>Whether every way from a trigger to a node leads over another one: only such a loop has one entry, so that which connection closes it is beyond doubt.</summary>
    private static bool Dominates(List<ChartEdge> edges, int triggers, int one, int node)
    {
        if (one == node) return true;
        var reached = new HashSet<int>(Enumerable.Range(0, triggers));
        while (edges.Exists(edge => edge.To != one && reached.Contains(edge.From) && reached.Add(edge.To)))
        {
        }
        return !reached.Contains(node);
    }

    private static bool HasLoopWithoutWait(List<ChartNode> nodes, List<ChartEdge> edges)
    {
        var left = Enumerable.Range(0, nodes.Count).Where(node => !nodes[node].Waits).ToHashSet();
        while (left.RemoveWhere(node => !edges.Exists(edge => edge.To == node && left.Contains(edge.From))) > 0)
        {
        }
        return left.Count > 0;
    }
}
