using System.Globalization;
using System.Text;

namespace MailFlow.Content.Handlebars;

/// <summary>Collects a rendering's output, up to a bound.</summary>
internal sealed class BoundedWriter(int limit) : TextWriter(CultureInfo.InvariantCulture)
{
    private readonly StringBuilder _text = new(4096);

    public override Encoding Encoding => Encoding.Unicode;

    public override void Write(char value)
    {
        Check(1);
        _text.Append(value);
    }

    public override void Write(string? value)
    {
        if (value is null) return;
        Check(value.Length);
        _text.Append(value);
    }

    public override void Write(ReadOnlySpan<char> buffer)
    {
        Check(buffer.Length);
        _text.Append(buffer);
    }

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override string ToString() => _text.ToString();

    private void Check(int more)
    {
        if (_text.Length + more > limit) throw new RenderException($"the mail is larger than {limit / 1024} kB");
    }
}
