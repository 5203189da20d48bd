namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>
/// Who a mail comes from and goes to on the wire. One recipient only: with several, one reply to the final dot would
/// have to answer for all of them.
/// </summary>
/// <param name="From">Where bounces go; null is the null reverse-path <c>&lt;&gt;</c>, which asks for none.</param>
internal sealed record SmtpEnvelope(EmailAddress? From, EmailAddress To);
