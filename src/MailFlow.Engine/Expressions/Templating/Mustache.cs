namespace MailFlow.Engine.Expressions.Templating;

/// <summary>What a tag of a template is.</summary>
public enum MustacheKind
{
    /// <summary><c>{{path}}</c> or <c>{{helper …}}</c>, escaped.</summary>
    Output,

    /// <summary><c>{{{path}}}</c> or <c>{{&amp;path}}</c>, as it is.</summary>
    RawOutput,

    /// <summary><c>{{#name …}}</c> or <c>{{^name …}}</c>.</summary>
    Open,

    /// <summary><c>{{else}}</c>, <c>{{else if …}}</c> or <c>{{^}}</c>.</summary>
    Else,

    /// <summary><c>{{/name}}</c>.</summary>
    Close,

    /// <summary><c>{{&gt; key …}}</c>.</summary>
    Include,

    /// <summary><c>{{! … }}</c>.</summary>
    Comment,

    /// <summary><c>\{{</c>: two braces to be shown.</summary>
    Literal,
}

/// <summary>One tag of a template: where it stands and what is in it.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Start">Offset of its first character.</param>
/// <param name="End">Offset after its last character.</param>
/// <param name="TrimBefore">Whether it takes the white space before it away (<c>{{~</c>).</param>
/// <param name="TrimAfter">Whether it takes the white space after it away (<c>~}}</c>).</param>
/// <param name="Words">Its words without the sign that makes its kind: name and arguments, parentheses apart.</param>
/// <param name="Depth">How many blocks that change what names mean (each, with) stand around it.</param>
public sealed record Mustache(
    MustacheKind Kind, int Start, int End, bool TrimBefore, bool TrimAfter, IReadOnlyList<string> Words, int Depth)
{
    /// <summary>What stands before its words: <c>#</c>, <c>^</c> or <c>/</c>.</summary>
    public string Sign { get; init; } = "";

    /// <summary>The first word: a path, a helper, a block or the key of an include.</summary>
    public string Name => Words.Count > 0 ? Words[0] : "";

    /// <summary>Whether it is a lone path, not the call of a helper.</summary>
    public bool IsPath => Words.Count == 1;

    /// <summary>Whether it puts a value out.</summary>
    public bool IsOutput => Kind is MustacheKind.Output or MustacheKind.RawOutput;

    /// <summary>Whether it belongs to a block: <c>{{#if}}</c>, <c>{{else}}</c>, <c>{{/if}}</c>.</summary>
    public bool IsBlockTag => Kind is MustacheKind.Open or MustacheKind.Else or MustacheKind.Close;

    /// <summary>The paths it reads: its arguments, and its own name when it is no helper.</summary>
    public IEnumerable<string> Paths => MustacheWords.Paths(this);

    /// <summary>The names that <c>as |item index|</c> gives to what is inside the block.</summary>
    public IEnumerable<string> BlockNames => MustacheWords.BlockNames(this);

    /// <summary>Whether a word is a path, not text, a number, a constant or a bracket.</summary>
    public static bool IsPathWord(string word) => MustacheWords.IsPath(word);

    /// <summary>Words as they stand in a tag.</summary>
    public static string Join(IEnumerable<string> words) => MustacheWords.Join(words);
}
