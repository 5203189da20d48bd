using MailFlow.Data;

namespace MailFlow.Engine.Activities;

/// <summary>What a module does when instances are exited or cancelled before their end: it runs in the batch's transaction, once for all of them.</summary>
public interface IInstanceEnded
{
    /// <summary>Undoes what these instances have planned and not yet done.</summary>
    /// <param name="session">The batch's session.</param>
    /// <param name="instanceIds">The instances.</param>
    /// <param name="reason">Why, in plain words, to follow "because": "the contact placed an order".</param>
    /// <param name="ct">Cancels.</param>
    Task OnEndedAsync(Session session, IReadOnlyList<Guid> instanceIds, string reason, CancellationToken ct);
}
