using MailFlow.Data;

namespace MailFlow.Engine.Facts;

/// <summary>Something that happened in MailFlow, told to whoever asked for it: a webhook's receiver, a message bus.</summary>
/// <param name="AccountId">The account.</param>
/// <param name="Type">What kind of thing: <c>journey.instance.started</c>. One of the registered <see cref="FactType"/>s.</param>
/// <param name="At">When it happened, Unix milliseconds.</param>
/// <param name="ContactId">The contact it is about.</param>
/// <param name="UserId">The application's own id of the contact.</param>
/// <param name="Data">What else there is to say, <c>user_id</c> left out; members that are null are not told.</param>
public sealed record Fact(int AccountId, string Type, long At, long ContactId, string UserId, IReadOnlyDictionary<string, object?> Data)
{
    /// <summary>Names it for ever: a receiver that has seen it once knows it again.</summary>
    public Guid Id { get; } = Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(At));

    /// <summary>The members that are told, as JSON.</summary>
    internal string ToJson()
    {
        var told = new Dictionary<string, object?> { ["user_id"] = UserId };
        foreach (var (name, value) in Data)
            if (value is not null) told[name] = value;
        return JsonData.Write(told);
    }
}

/// <summary>A kind of fact. Each module registers those that it tells.</summary>
/// <param name="Name">Full-stop delimited: <c>message.bounced</c>. Part of the interface: never renamed.</param>
/// <param name="Summary">What it says, to a person.</param>
/// <param name="Example">Members that such a fact may have, <c>user_id</c> left out.</param>
public sealed record FactType(string Name, string Summary, IReadOnlyDictionary<string, object?> Example);
