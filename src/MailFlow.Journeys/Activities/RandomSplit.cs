using MailFlow.Data;
using MailFlow.Engine.Activities;

namespace MailFlow.Journeys.Activities;

/// <summary>
/// Spreads contacts over branches by weight. It is sticky: a hash of account, journey, activity and the contact's user id decides, so a
/// contact who comes again, in this or a later version, goes the same way as long as the branches stay as they are.
/// </summary>
[Activity("MailFlow.RandomSplit", Category = "Decisions", DisplayName = "Random split", Outcomes = [], OutcomesFrom = "branches",
    Description = "Spreads contacts at random over branches by weight. The same contact always goes the same way.")]
public sealed class RandomSplit : Activity<RandomSplit.Input>
{
    /// <summary>The form in the designer.</summary>
    public sealed record Input([Input("""The branches with their relative weights: [{"name": "A", "weight": 50}, {"name": "B", "weight": 50}].""")] IReadOnlyList<Branch> Branches) : ICheckedInput
    {
        string? ICheckedInput.Problem() => RandomSplit.Problem(Branches);
    }

    /// <summary>One way to go.</summary>
    /// <param name="Name">The exit port.</param>
    /// <param name="Weight">Its share relative to the others' weights: any number above zero.</param>
    public sealed record Branch(string Name, double Weight = 1);

    /// <inheritdoc/>
    protected override StepResult Run(Input input, Step step)
    {
        if (Problem(input.Branches) is { } problem) return StepResult.Fault(problem);
        var place = Place(step) * input.Branches.Sum(branch => branch.Weight);
        foreach (var branch in input.Branches)
        {
            place -= branch.Weight;
            if (place < 0) return StepResult.Complete(branch.Name, $"drew {branch.Name}");
        }
        // Rounding may leave a hair of the last branch's share.
        return StepResult.Complete(input.Branches[^1].Name, $"drew {input.Branches[^1].Name}");
    }

    internal static string? Problem(IReadOnlyList<Branch> branches)
    {
        if (branches.Count == 0) return "needs at least one branch";
        if (branches.FirstOrDefault(branch => string.IsNullOrWhiteSpace(branch.Name)) is not null) return "has a branch without a name";
        if (branches.FirstOrDefault(branch => !(branch.Weight > 0 && double.IsFinite(branch.Weight))) is { } weightless)
            return $"branch '{weightless.Name}' needs a weight above zero";
        return branches.GroupBy(branch => branch.Name).FirstOrDefault(group => group.Count() > 1) is { } twice ? $"has two branches named '{twice.Key}'" : null;
    }

    /// <summary>Where the contact falls, in [0, 1): the hash's upper 53 bits. Part of the data format: changing it re-draws everyone.</summary>
    private static double Place(Step step) =>
        (StableHash.Of($"{step.AccountId}\n{step.Journey.DefinitionId}\n{step.ActivityId}\n{step.Contact.UserId}") >> 11) * (1.0 / (1UL << 53));
}
