using System.Buffers;

namespace MailFlow.Engine.Storage;

/// <summary>What the type of an event may be called.</summary>
public static class EventTypeName
{
    /// <summary>The most characters.</summary>
    public const int Longest = 100;

    private static readonly SearchValues<char> Characters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-");

    /// <summary>What is wrong with a name; null where nothing is.</summary>
    public static string? Problem(string name) =>
        string.IsNullOrWhiteSpace(name) ? "is empty"
        : name.Length > Longest ? $"is longer than {Longest} characters"
        : name.AsSpan().ContainsAnyExcept(Characters) ? "may hold letters, digits and _ . : - only"
        : null;
}
