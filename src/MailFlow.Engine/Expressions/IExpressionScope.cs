namespace MailFlow.Engine.Expressions;

/// <summary>
/// What an expression is evaluated against. Values are plain: null, bool, long, double, string,
/// <see cref="DateTimeOffset"/>, <see cref="TimeSpan"/>, and read-only lists and maps of these.
/// </summary>
public interface IExpressionScope
{
    /// <summary>The value of a root such as <c>contact</c> or <c>event</c>; null when there is none.</summary>
    object? Root(string name);

    /// <summary>The instant that <c>now</c> stands for: frozen for the whole step.</summary>
    DateTimeOffset Now { get; }

    /// <summary>How many of this contact's events of the type happened in (now - window, now]; without a window, up to now.</summary>
    long CountEvents(string type, TimeSpan? window);
}
