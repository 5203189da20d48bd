using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using HandlebarsDotNet;
using HandlebarsDotNet.IO;
using MailFlow.Engine.Expressions.Cel;

namespace MailFlow.Engine.Expressions.Templating;

/// <summary>How a value is written into text: the same everywhere, whatever the culture of the machine.</summary>
internal sealed class PlainFormat : IFormatter, IFormatterProvider
{
    public bool TryCreateFormatter(Type type, [NotNullWhen(true)] out IFormatter? formatter)
    {
        formatter = this;
        return true;
    }

    public void Format<T>(T value, in EncodedTextWriter writer)
    {
        if (value is UndefinedBindingResult undefined) Rendering.Missing(undefined.Value);
        else writer.Write(Text(value), encode: true);
    }

    public static string Text(object? value) => value switch
    {
        null or UndefinedBindingResult => "",
        string text => text,
        bool flag => flag ? "true" : "false",
        DateTimeOffset instant => (string)Conversions.Of(Function.String)(instant)!,
        TimeSpan duration => DurationText.Format(duration.Duration()),
        long or int => ((IFormattable)value).ToString(null, CultureInfo.InvariantCulture),
        double number => Numbers.Format(number),
        IReadOnlyDictionary<string, object?> => "",
        IEnumerable list => string.Join(", ", list.Cast<object?>().Select(Text)),
        _ => "",
    };
}
