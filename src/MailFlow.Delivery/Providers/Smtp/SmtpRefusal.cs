namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>The relay would not deal with us, or was not there; it said nothing about the mail in hand.</summary>
internal sealed class SmtpRefusal(SmtpStage stage, SmtpReply? reply, string text) : Exception(text)
{
    public SmtpResult.Deferred Result { get; } = new(stage, reply?.Code, reply?.EnhancedCode, text);
}
