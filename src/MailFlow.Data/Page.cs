using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace MailFlow.Data;

/// <summary>One page of a list.</summary>
/// <param name="Items">At most as many as were asked for.</param>
/// <param name="Next">Where the next page begins; null on the last.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next);

/// <summary>Where a page of a list begins: opaque to callers.</summary>
public static class Cursor
{
    /// <summary>The most items a page may have.</summary>
    public const int MaxLimit = 1000;

    /// <summary>Makes a page out of one row more than asked for, which tells whether there is a next page.</summary>
    public static Page<T> Page<T>(IReadOnlyList<T> found, int limit, Func<T, string> key) =>
        found.Count > limit ? new([.. found.Take(limit)], Write(key(found[limit - 1]))) : new(found, null);

    /// <summary>Makes the cursor that follows a key.</summary>
    public static string Write(string key) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(key));

    /// <summary>What to throw for a cursor that the list at hand did not make.</summary>
    public static InvalidInputException Unknown() => new("cursor", "is not a cursor that this list gave");

    /// <summary>The number a cursor follows; null for no cursor. Throws for one that we did not make.</summary>
    public static long? ReadNumber(string? cursor) =>
        Read(cursor) is not { } key ? null : long.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw Unknown();

    /// <summary>The key a cursor follows; null for no cursor. Throws <see cref="InvalidInputException"/> for one that we did not make.</summary>
    public static string? Read(string? cursor)
    {
        if (string.IsNullOrEmpty(cursor)) return null;
        try
        {
            return Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor));
        }
        catch (FormatException)
        {
            throw Unknown();
        }
    }
}
