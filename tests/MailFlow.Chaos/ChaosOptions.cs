using System.Globalization;
using MailFlow.Data;
using MailFlow.Delivery;

namespace MailFlow.Chaos;

/// <summary>What a run is to be.</summary>
public sealed record ChaosOptions
{
    /// <summary>How long events come and things go wrong.</summary>
    public TimeSpan Length { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>What the plan, the roads of the events and the stub's moods are drawn from.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>How many contacts travel the journey.</summary>
    public int Contacts { get; init; } = 3_000;

    /// <summary>How many nodes there are.</summary>
    public int Nodes { get; init; } = 3;

    /// <summary>What the stub ESP can do about a lost answer; with neither it speaks SendGrid's API.</summary>
    public ReplayPolicy Mode { get; init; } = ReplayPolicy.Idempotent;

    /// <summary>What may go wrong.</summary>
    public IReadOnlyCollection<string> Faults { get; init; } = Plan.Kinds;

    /// <summary>In place of what the seed gives.</summary>
    public IReadOnlyList<Fault>? Planned { get; init; }

    /// <summary>What is taken out of MailFlow's guards, to see that the checker misses it.</summary>
    public Mutation Mutation { get; init; }

    /// <summary>How long each of the journey's two waits is.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Whether events also come by Kafka and RabbitMQ; otherwise by HTTP alone.</summary>
    public bool Brokers { get; init; } = true;

    /// <summary>Whether the stub reports what became of mails; a mutation of the sender is to be seen without what reports put right.</summary>
    public bool Reports { get; init; } = true;

    /// <summary>How long after the last fault everything may take to come to rest.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Reads a command line.</summary>
    /// <exception cref="InvalidInputException">An argument cannot be used.</exception>
    public static ChaosOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new ChaosOptions();
        for (var i = 0; i < arguments.Count; i += 2)
        {
            var name = arguments[i];
            if (i + 1 == arguments.Count) throw new InvalidInputException(name, "has no value");
            var value = arguments[i + 1];
            options = name switch
            {
                "--minutes" => options with { Length = TimeSpan.FromMinutes(Number(0.05, 100_000)) },
                "--seed" => options with { Seed = (int)Number(0, int.MaxValue) },
                "--contacts" => options with { Contacts = (int)Number(1, 1_000_000) },
                "--nodes" => options with { Nodes = (int)Number(2, 16) },
                "--wait" => options with { Wait = TimeSpan.FromSeconds(Number(1, 3_600)) },
                "--patience" => options with { Patience = TimeSpan.FromMinutes(Number(0.05, 1_000)) },
                "--esp" => options with { Mode = Word<ReplayPolicy>() },
                "--mutation" => options with { Mutation = Word<Mutation>() },
                "--faults" => options with { Faults = value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) },
                _ => throw new InvalidInputException(name, "is none of --minutes, --seed, --contacts, --nodes, --wait, --patience, --esp, --faults, --mutation"),
            };

            double Number(double least, double most) => double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
                ? number : throw new InvalidInputException(name, $"'{value}' is not a number from {least} to {most}");
            T Word<T>() where T : struct, Enum => Enum.TryParse<T>(value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var word) && Enum.IsDefined(word)
                ? word : throw new InvalidInputException(name, $"'{value}' is none of {string.Join(", ", Enum.GetNames<T>())}");
        }
        return options;
    }
}
