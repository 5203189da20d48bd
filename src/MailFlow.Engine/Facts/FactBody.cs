using System.Globalization;
using System.Text;

namespace MailFlow.Engine.Facts;

/// <summary>A fact as others get it, by webhook or over a bus.</summary>
public static class FactBody
{
    /// <summary>UTF-8 JSON, the same octets whenever it is asked for.</summary>
    /// <param name="id">The fact's.</param>
    /// <param name="type">Its type.</param>
    /// <param name="at">When it happened, Unix milliseconds.</param>
    /// <param name="data">What it says, as JSON.</param>
    public static byte[] Write(Guid id, string type, long at, string data)
    {
        var instant = DateTimeOffset.FromUnixTimeMilliseconds(at).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        return Encoding.UTF8.GetBytes($$"""{"id":"{{id}}","type":"{{type}}","timestamp":"{{instant}}","data":{{data}}}""");
    }
}
