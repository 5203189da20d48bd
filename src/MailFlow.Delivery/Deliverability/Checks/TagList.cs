namespace MailFlow.Delivery.Deliverability.Checks;

/// <summary>The <c>tag=value; tag=value</c> of DKIM and DMARC records.</summary>
internal static class TagList
{
    /// <summary>The tags, in order; null for what is no such list, or names a tag twice.</summary>
    public static IReadOnlyDictionary<string, string>? Parse(string text)
    {
        var tags = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var part in text.Split(';'))
        {
            if (string.IsNullOrWhiteSpace(part)) continue;
            if (part.IndexOf('=', StringComparison.Ordinal) is not (> 0 and var equals)) return null;
            if (!tags.TryAdd(part[..equals].Trim(), part[(equals + 1)..].Trim())) return null;
        }
        return tags;
    }
}
