using MailFlow.Data;

namespace MailFlow.Chaos;

/// <summary>What goes wrong in a run and when, drawn from its seed: the same seed, the same plan.</summary>
public static class Plan
{
    /// <summary>A node's clock is set wrong, and stays so until it is set again.</summary>
    public const string ClockStep = "clock-step";

    /// <summary>The kinds of faults, and how often each is drawn beside the others.</summary>
    private static readonly (string Kind, int Weight)[] Weights =
    [
        ("kill", 5), ("kill-at", 5), ("freeze", 1), ("freeze-at", 1), ("postgres-restart", 1), ("postgres-terminate", 2), ("redis-restart", 1), ("rabbitmq-restart", 1), ("kafka-broker", 1),
        ("esp-resets", 2), ("esp-stalls", 1), ("esp-429", 1), (ClockStep, 2), ("pause", 2),
    ];

    /// <summary>The labelled points of the product: before and after each commit and each call to the outside (<c>IFaultPoints</c>).</summary>
    private static readonly string[] Points =
    [
        "intake.before-commit", "intake.after-commit", "batch.claimed", "batch.loaded", "batch.before-commit", "batch.after-commit", "sender.hand-over.before-commit", "sender.hand-over.after-commit",
        "sender.provider.before-call", "sender.provider.after-call", "sender.answers.before-commit", "sender.answers.after-commit", "webhook.before-commit", "feedback.before-commit", "feedback.after-commit",
    ];

    /// <summary>All kinds of faults.</summary>
    public static IReadOnlyList<string> Kinds { get; } = [.. Weights.Select(each => each.Kind)];

    /// <summary>Whether it strikes one node.</summary>
    public static bool IsOfNode(string kind) => kind is "kill" or "kill-at" or "freeze" or "freeze-at" or ClockStep;

    /// <summary>Faults of these kinds, one every two to five seconds.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="length">How long the run is.</param>
    /// <param name="kinds">Which kinds.</param>
    /// <param name="nodes">How many nodes there are.</param>
    /// <exception cref="InvalidInputException">There is no such kind.</exception>
    public static IReadOnlyList<Fault> Draw(int seed, TimeSpan length, IReadOnlyCollection<string> kinds, int nodes)
    {
        if (kinds.Except(Kinds).FirstOrDefault() is { } wrong) throw new InvalidInputException("faults", $"'{wrong}' is none of {string.Join(", ", Kinds)}");
        var random = new Random(seed);
        var open = Weights.Where(each => kinds.Contains(each.Kind)).ToList();
        var faults = new List<Fault>();
        for (var at = Between(random, 1, 3); at < length && open.Count > 0; at += Between(random, 2, 5))
        {
            var draw = random.Next(open.Sum(each => each.Weight));
            var kind = open.First(each => (draw -= each.Weight) < 0).Kind;
            var fault = new Fault(at, kind, random.Next(nodes), Between(random, 1, 4));
            faults.Add(kind switch
            {
                "kill" or "postgres-terminate" => fault with { Span = TimeSpan.Zero },
                "kill-at" => fault with { Span = TimeSpan.Zero, Point = Points[random.Next(Points.Length)], Arrival = random.Next(1, 6) },
                // Longer than the lease of a hand-over and than PostgreSQL lets a transaction idle.
                "freeze" => fault with { Span = TimeSpan.FromSeconds(11) + fault.Span },
                "freeze-at" => fault with { Span = TimeSpan.FromSeconds(11) + fault.Span, Point = Points[random.Next(Points.Length)], Arrival = random.Next(1, 6) },
                ClockStep => fault with { Span = TimeSpan.Zero, Ahead = TimeSpan.FromSeconds(random.Next(30, 1_200) * (random.Next(2) * 2 - 1)) },
                _ => fault,
            });
        }
        return faults;
    }

    private static TimeSpan Between(Random random, double least, double most) => TimeSpan.FromSeconds(Math.Round(least + (random.NextDouble() * (most - least)), 1));
}
