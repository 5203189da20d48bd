using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace MailFlow.Server.Http;

/// <summary>What our own converters (<see cref="ApiJson"/>) write: without this, the description would give these no type.</summary>
internal static class OpenApiTypes
{
    public static void Configure(OpenApiOptions options) => options.AddSchemaTransformer((schema, context, _) =>
    {
        var type = context.JsonTypeInfo.Type;
        if (type == typeof(DateTimeOffset)) schema.Type = JsonSchemaType.String;
        else if (type == typeof(DateTimeOffset?)) schema.Type = JsonSchemaType.String | JsonSchemaType.Null;
        else if (type == typeof(IReadOnlyDictionary<string, object?>)) (schema.Type, schema.AdditionalProperties) = (JsonSchemaType.Object, new OpenApiSchema());
        return Task.CompletedTask;
    });
}
