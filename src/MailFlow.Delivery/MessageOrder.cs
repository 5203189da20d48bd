using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery;

/// <summary>What a message was ordered to be when it was planned; none of it ever changes.</summary>
internal abstract record MessageOrder
{
    public required Guid Id { get; init; }
    public required int AccountId { get; init; }
    public required long ContactId { get; init; }
    public required string UserId { get; init; }
    public int? JourneyId { get; init; }
    public long? VersionId { get; init; }
    public Guid? InstanceId { get; init; }
    public required string Template { get; init; }
    public required int TemplateVersion { get; init; }
    public string? Subject { get; init; }
    public required MessageStream Stream { get; init; }
    public string? Purpose { get; init; }
    public long? ExpiresAt { get; init; }
    public MessagePriority Priority { get; init; } = MessagePriority.Normal;
}
