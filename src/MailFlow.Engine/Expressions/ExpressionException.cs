namespace MailFlow.Engine.Expressions;

/// <summary>An expression or template that cannot be compiled. The message says what is wrong and, where known, where.</summary>
public sealed class ExpressionException : Exception
{
    /// <summary>Made with the place of the mistake: line and column, both from 1.</summary>
    public ExpressionException(string problem, int line, int column) : base($"{problem} (line {line}, column {column})") =>
        (Problem, Line, Column) = (problem, line, column);

    /// <summary>Made where the place is not known.</summary>
    public ExpressionException(string problem, Exception? inner = null) : base(problem, inner) => Problem = problem;

    /// <summary>What is wrong, without the place.</summary>
    public string Problem { get; }

    /// <summary>The line of the mistake, from 1; null when not known.</summary>
    public int? Line { get; }

    /// <summary>The column of the mistake in its line, from 1; null when not known.</summary>
    public int? Column { get; }

    /// <summary>Made with the place given as an offset into the text.</summary>
    internal static ExpressionException At(string text, int position, string problem)
    {
        var before = text.AsSpan(0, Math.Clamp(position, 0, text.Length));
        var line = 1 + before.Count('\n');
        return new ExpressionException(problem, line, before.Length - before.LastIndexOf('\n'));
    }
}
