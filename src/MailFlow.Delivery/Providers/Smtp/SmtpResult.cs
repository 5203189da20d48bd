namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>Where in the conversation an answer was given or the connection was lost.</summary>
internal enum SmtpStage
{
    Connect,
    Greeting,
    Hello,
    StartTls,
    Authenticate,
    MailFrom,
    Recipient,
    Data,
    FinalDot,
}

/// <summary>What became of one mail.</summary>
/// <remarks>
/// A server takes a mail by its reply to the final dot and by nothing before it (RFC 5321 §4.2.5). So whatever breaks
/// before the first octet of that dot is written leaves the mail certainly untaken, and whatever breaks after it,
/// before the reply, leaves its fate unknown; there is no third case.
/// </remarks>
internal abstract record SmtpResult
{
    private SmtpResult()
    {
    }

    /// <summary>The server answers for the mail from now on.</summary>
    /// <param name="Reply">The server's words.</param>
    /// <param name="QueueId">The name it gave the mail, where its words follow a known form; to be searched for in its log.</param>
    internal sealed record Accepted(string Reply, string? QueueId) : SmtpResult;

    /// <summary>This mail to this recipient was refused for good (5yz): trying again gives the same answer.</summary>
    /// <param name="Code">Three digits, the first a 5.</param>
    /// <param name="EnhancedCode">RFC 3463 status such as <c>5.1.1</c>, where the server gave one.</param>
    internal sealed record Rejected(SmtpStage Stage, int Code, string? EnhancedCode, string Text) : SmtpResult;

    /// <summary>The mail was certainly not taken and may be tried again.</summary>
    /// <param name="Code">
    /// The server's code; null when there was no reply (refused connection, time-out, broken connection). It is 5yz
    /// where the server refused us rather than this mail (a wrong password, a greeting of 554): that is for an
    /// operator to put right, and no reason to throw every contact's mail away.
    /// </param>
    internal sealed record Deferred(SmtpStage Stage, int? Code, string? EnhancedCode, string Text) : SmtpResult;

    /// <summary>The final dot was, or may have been, written and no reply to it was read.</summary>
    internal sealed record Unknown(string Reason) : SmtpResult;
}
