namespace MailFlow.Delivery;

/// <summary>Who an account's mail comes from.</summary>
/// <param name="Name">The name a mail reader shows.</param>
/// <param name="Email">The address mail comes from; its domain is also that of the Message-ID.</param>
/// <param name="ReplyTo">Where answers go; null for <paramref name="Email"/>.</param>
/// <param name="PostalAddress">The sender's postal address, which the law wants to stand in marketing mail.</param>
public sealed record SenderIdentity(string Name, string Email, string? ReplyTo = null, string? PostalAddress = null);
