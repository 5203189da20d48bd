using System.Reflection;
using Microsoft.AspNetCore.Http.Metadata;

namespace MailFlow.Server.Http;

/// <summary>A handler's parameter that is the JSON body, read strictly and with errors that name the field.</summary>
internal sealed record Body<T>(T Value) : IBindableFromHttpContext<Body<T>>, IEndpointParameterMetadataProvider
{
    public static async ValueTask<Body<T>?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        using var body = await RequestBody.ReadJsonAsync(context);
        return new Body<T>(body.Read<T>());
    }

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new AcceptsMetadata(["application/json"], typeof(T)));
}

/// <summary>A JSON body that may be left out, and has no members but those it can have: who gives none of them by mistake would not notice.</summary>
internal sealed record OptionalBody<T>(T? Value) : IBindableFromHttpContext<OptionalBody<T>>, IEndpointParameterMetadataProvider where T : class
{
    public static async ValueTask<OptionalBody<T>?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        // Many clients name a content type whether or not there is content.
        using var body = await RequestBody.ReadJsonAsync(context, mayBeEmpty: true);
        if (body.Bytes.IsEmpty) return new OptionalBody<T>(Value: null);
        var value = body.Read<T>();
        KnownMembers.Check<T>(body.Bytes);
        return new OptionalBody<T>(value);
    }

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new AcceptsMetadata(["application/json"], typeof(T), isOptional: true));
}
