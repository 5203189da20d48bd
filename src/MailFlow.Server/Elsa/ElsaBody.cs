using System.Reflection;
using System.Text.Json;
using MailFlow.Data;
using MailFlow.Server.Http;

namespace MailFlow.Server.Elsa;

/// <summary>A handler's parameter that is a JSON body in Elsa's spelling. A body that is not sent, or is <c>null</c>, is one without members.</summary>
internal sealed record ElsaBody<T>(T Value) : IBindableFromHttpContext<ElsaBody<T>>
{
    public static async ValueTask<ElsaBody<T>?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        using var body = await RequestBody.ReadAsync(context);
        if (body.Bytes.Length > 0) ForbiddenText.ThrowIfIn(body.Bytes);
        var json = body.Bytes.Length == 0 ? "{}"u8 : body.Bytes.Span;
        return new ElsaBody<T>(JsonSerializer.Deserialize<T>(json, ElsaJson.Options) ?? JsonSerializer.Deserialize<T>("{}"u8, ElsaJson.Options)!);
    }
}
