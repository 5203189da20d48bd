using System.Diagnostics.CodeAnalysis;
using System.Net.Mime;
using System.Text.Json;
using MassTransit;
using MassTransit.Serialization;

namespace MailFlow.Ingestion;

/// <summary>
/// Hands MassTransit's consumers every message as an <see cref="EventMessage"/>, whatever it holds and whatever content type it claims, so that what cannot be read is laid
/// aside by us with its reason. The sender's headers are not believed: among MassTransit's own are addresses to answer to, and ids by which it drops repetitions.
/// </summary>
internal sealed class AsItCame : ISerializerFactory, IMessageDeserializer, IMessageSerializer
{
    private static readonly JsonElement Nothing = JsonElement.Parse("null");

    /// <inheritdoc/>
    public ContentType ContentType { get; } = new("application/octet-stream");

    /// <summary>Has a bus use nothing else.</summary>
    public static void Use(IBusFactoryConfigurator bus)
    {
        var serializer = new AsItCame();
        bus.ClearSerialization();
        bus.AddSerializer(serializer);
        bus.AddDeserializer(serializer, isDefault: true);
    }

    /// <inheritdoc/>
    public IMessageSerializer CreateSerializer() => this;

    /// <inheritdoc/>
    public IMessageDeserializer CreateDeserializer() => this;

    /// <inheritdoc/>
    public ConsumeContext Deserialize(ReceiveContext receiveContext) => new BodyConsumeContext(
        receiveContext, new Context(ContentType, receiveContext.InputAddress, new EventMessage(BytesOf(receiveContext.Body), OriginOf(receiveContext))));

    /// <inheritdoc/>
    public SerializerContext Deserialize(MessageBody body, Headers headers, Uri? destinationAddress = null) => throw new NotSupportedException("A message is read where it arrives.");

    /// <inheritdoc/>
    public MessageBody GetMessageBody(string text) => new StringMessageBody(text);

    /// <summary>A message goes out as it came, too.</summary>
    public MessageBody GetMessageBody<T>(SendContext<T> context) where T : class =>
        context.Message is EventMessage message ? new MemoryMessageBody(message.Body) : throw new NotSupportedException($"{typeof(T)} is not sent.");

    /// <inheritdoc/>
    public void Probe(ProbeContext context) => context.CreateScope("as-it-came");

    private static ReadOnlyMemory<byte> BytesOf(MessageBody body) => body.GetBytes();

    private static MessageOrigin OriginOf(ReceiveContext context) =>
        context.TryGetPayload<MessageOrigin>(out var origin) ? origin : RabbitMq.RabbitMqOrigin.Of(context.GetPayload<RabbitMqBasicConsumeContext>());

    private sealed class Context(ContentType contentType, Uri address, EventMessage message) : SystemTextJsonRawSerializerContext(
        SystemTextJsonMessageSerializer.Instance, SystemTextJsonMessageSerializer.Options, contentType, new RawMessageContext(EmptyHeaders.Instance, address, RawSerializerOptions.AnyMessageType), [],
        RawSerializerOptions.AnyMessageType, Nothing)
    {
        public override bool TryGetMessage<T>([NotNullWhen(true)] out T? found) where T : class => (found = message as T) is not null;

        public override bool TryGetMessage(Type messageType, [NotNullWhen(true)] out object? found) => (found = messageType.IsInstanceOfType(message) ? message : null) is not null;
    }
}
