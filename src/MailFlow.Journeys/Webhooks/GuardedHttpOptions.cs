namespace MailFlow.Journeys.Webhooks;

/// <summary>What a webhook call may do.</summary>
public sealed record GuardedHttpOptions
{
    /// <summary>
    /// Private targets that may be called all the same: networks (<c>10.1.0.0/16</c>), addresses, and exact host names.
    /// Empty by default. An entry opens the target to every account.
    /// </summary>
    public IReadOnlyList<string> AllowedTargets { get; init; } = [];

    /// <summary>Seconds for one call with all its redirects, 1–120.</summary>
    public int TimeoutSeconds { get; init; } = 15;

    /// <summary>Redirects followed in one call, 0–20. With 0, an answer that redirects is given as it is.</summary>
    public int MaxRedirects { get; init; } = 5;

    /// <summary>Largest body sent, in octets.</summary>
    public int MaxRequestBytes { get; init; } = 256 * 1024;

    /// <summary>How much of an answer's body is read and kept, in octets; the rest is left unread.</summary>
    public int KeptResponseBytes { get; init; } = 64 * 1024;

    /// <summary>What is wrong with these options, one sentence a field, the field's name first; empty when they can be used.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new List<string>();
        Range(nameof(TimeoutSeconds), TimeoutSeconds, 1, 120);
        Range(nameof(MaxRedirects), MaxRedirects, 0, 20);
        Range(nameof(MaxRequestBytes), MaxRequestBytes, 0, 16 * 1024 * 1024);
        Range(nameof(KeptResponseBytes), KeptResponseBytes, 0, 16 * 1024 * 1024);
        try
        {
            _ = new AllowedTargets(AllowedTargets);
        }
        catch (FormatException wrong)
        {
            errors.Add(wrong.Message);
        }

        return errors;

        void Range(string field, int value, int lowest, int highest)
        {
            if (value < lowest || value > highest)
                errors.Add($"{field}: {value} is not between {lowest} and {highest}.");
        }
    }
}
