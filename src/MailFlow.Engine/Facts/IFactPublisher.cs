using MailFlow.Data;

namespace MailFlow.Engine.Facts;

/// <summary>A message bus, as far as facts go: the ingestion module's business. It is given facts at least once, each always under the same id.</summary>
public interface IFactPublisher
{
    /// <summary>
    /// Publishes facts and returns when the bus has every one of them for good. Those of one contact are to stay in their order. When it throws, all of them are given to it again,
    /// perhaps by another node: what is under way when it is cancelled has ten seconds to end one way or the other.
    /// </summary>
    Task PublishAsync(IReadOnlyList<PublishedFact> facts, CancellationToken ct);
}

/// <summary>A fact as it leaves.</summary>
/// <param name="Id">Names it for ever.</param>
/// <param name="AccountId">The account.</param>
/// <param name="UserId">The contact: what messages are kept in order by.</param>
/// <param name="Type">What kind of fact.</param>
/// <param name="Body">The whole of it as JSON, as a webhook's receiver gets it.</param>
public sealed record PublishedFact(Guid Id, int AccountId, string UserId, string Type, byte[] Body);

/// <summary>What the bus is to be told: registered beside an <see cref="IFactPublisher"/>.</summary>
/// <param name="AccountId">The account whose facts they are.</param>
/// <param name="Types">Which; <see cref="FactInterest.AllTypes"/> for all, none to stop.</param>
/// <param name="Setting">What an operator knows the types by.</param>
public sealed record FactBus(int AccountId, IReadOnlyList<string> Types, string Setting)
{
    /// <exception cref="InvalidInputException">One of the types is not told by any module; names the setting.</exception>
    internal void Check(IEnumerable<FactType> known)
    {
        var names = known.Select(type => type.Name).Order(StringComparer.Ordinal).ToList();
        if (Types.FirstOrDefault(type => type != FactInterest.AllTypes && !names.Contains(type)) is { } unknown)
            throw new InvalidInputException(Setting, $"'{unknown}' is none of {string.Join(", ", names)}, or '{FactInterest.AllTypes}' for all");
    }
}
