using MailFlow.Delivery.Routing;

namespace MailFlow.Delivery.Sending;

/// <summary>What a provider's answers do to the ledger.</summary>
internal sealed class Answers(RetrySchedule schedule, DeliveryOptions options)
{
    /// <summary>The change of state that an answer makes.</summary>
    public Move MoveFor(TakenMessage taken, HandOver answer, long now)
    {
        var message = taken.Message;
        var replay = taken.Route.Provider.Replay;
        // It was handed over before to one that forgets, or to another than this one: no answer of now says what became of that.
        var isBeyondTelling = message.State == MessageState.Unknown && (replay == ReplayPolicy.Neither || message.Provider != taken.Route.Key);
        // A searchable provider was asked first, and has said that it has not got the mail.
        var isInDoubt = isBeyondTelling || (message.State == MessageState.Unknown && replay == ReplayPolicy.Idempotent);
        return answer switch
        {
            HandOver.Accepted accepted => Make(MessageState.Accepted, null, null, accepted.ProviderId),
            // An idempotent one judges both times alike.
            HandOver.Rejected rejected when isBeyondTelling =>
                Make(MessageState.Unconfirmed, $"may or may not have been sent ({message.Reason}); refused when it was sent again: {rejected.Reason}", null),
            HandOver.Rejected rejected => Make(MessageState.Rejected, $"not sent: {rejected.Reason}", null),
            // Its provider has not got it: it is as if it had never been handed over.
            HandOver.Deferred absent when taken.IsOnlyAsked => Make(MessageState.Deferred, absent.Reason, TimeSpan.Zero),
            HandOver.Deferred stopped when ReferenceEquals(stopped, Dispatch.Stopping) => Make(MessageState.Deferred, stopped.Reason, TimeSpan.Zero),
            HandOver.Deferred deferred => PutOff(deferred.Reason, deferred.RetryAfter),
            HandOver.SenderFault fault => PutOff(fault.Reason, null),
            // Not reached this time: the doubt is still about who had it then.
            HandOver.Unknown unknown => Make(MessageState.Unknown, unknown.Reason, UntilReplay(taken)) with { Provider = unknown.IsProviders ? null : message.Provider },
            _ => throw new InvalidOperationException($"'{answer.GetType().Name}' is not an answer."),
        };

        // Not taken this time; that says nothing of the time before, nor of who had it then.
        Move PutOff(string reason, TimeSpan? retryAfter) => isInDoubt
            ? Make(MessageState.Unknown, message.Reason, schedule.After(taken.Attempt, retryAfter)) with { Answer = reason, Provider = message.Provider }
            : Make(MessageState.Deferred, reason, schedule.After(taken.Attempt, retryAfter));

        Move Make(MessageState state, string? reason, TimeSpan? wait, string? providerId = null) => new(
            message.Id, message.AccountId, taken.Attempt, state, reason, wait is { } span ? now + (long)span.TotalMilliseconds : null, providerId);
    }

    /// <summary>How long a message waits whose answer was lost: not at all where the same key can be sent again, or the provider asked.</summary>
    /// <param name="route">The route it took; null when that is there no more.</param>
    /// <param name="options">The window.</param>
    public static TimeSpan WaitForLateAnswer(Route? route, DeliveryOptions options) =>
        route is not null && route.Provider.Replay != ReplayPolicy.Neither ? TimeSpan.Zero : options.UnknownWindow;

    private TimeSpan UntilReplay(TakenMessage taken) =>
        // The first replay is at once; a provider that loses every answer is not hammered.
        taken.Route.Provider.Replay != ReplayPolicy.Neither && taken.Message.State == MessageState.Unknown
            ? schedule.After(taken.Attempt, null)
            : WaitForLateAnswer(taken.Route, options);
}
