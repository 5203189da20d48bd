using System.Reflection;
using Microsoft.AspNetCore.Http.Metadata;

namespace MailFlow.Server.Http;

/// <summary>A handler's parameter that is the JSON body, read strictly, without members but those it can have, and with errors that name the field.</summary>
internal sealed record Body<T>(T Value) : IBindableFromHttpContext<Body<T>>, IEndpointParameterMetadataProvider
{
    public static async ValueTask<Body<T>?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        using var body = await RequestBody.ReadJsonAsync(context);
        var value = body.Read<T>();
        KnownMembers.Check<T>(body.Bytes, Shown(context));
        return new Body<T>(value);
    }

    /// <summary>What is read where this is put.</summary>
    private static Type? Shown(HttpContext context) => !HttpMethods.IsPut(context.Request.Method) || context.GetEndpoint()?.Metadata is not { } metadata ? null
        : metadata.GetMetadata<TakesBack>()?.Type ?? (metadata.GetMetadata<IProducesResponseTypeMetadata>()?.Type is { } type && type != typeof(void) ? type : null);

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new AcceptsMetadata(["application/json"], typeof(T)));
}

/// <summary>Marks a PUT whose resource is read as a part of the answer: this is that part, which may be sent back.</summary>
internal sealed record TakesBack(Type Type);

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
