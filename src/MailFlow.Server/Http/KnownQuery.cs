using System.Reflection;
using MailFlow.Data;
using Microsoft.AspNetCore.Http.Metadata;

namespace MailFlow.Server.Http;

/// <summary>The query parameters that an address takes: any other is refused, because a filter passed over shows everything.</summary>
internal sealed class KnownQuery
{
    private readonly List<(string Member, string Name, Type Type)> _parameters;

    private KnownQuery(RouteEndpointBuilder endpoint) => _parameters =
        [.. endpoint.Metadata.OfType<MethodInfo>().SelectMany(method => method.GetParameters()).SelectMany(Read).Where(parameter => endpoint.RoutePattern.GetParameter(parameter.Name) is null)];

    /// <summary>Has every address of a group refuse parameters that its handler does not read, but those marked by <see cref="AnyQuery"/>.</summary>
    public static void Add(IEndpointConventionBuilder group) => group.Finally(endpoint =>
    {
        if (!endpoint.Metadata.OfType<AnyQuery>().Any()) endpoint.Metadata.Add(new KnownQuery((RouteEndpointBuilder)endpoint));
    });

    /// <summary>Throws <see cref="InvalidInputException"/> that names the first unknown parameter and the nearest known one.</summary>
    public static void Check(HttpContext context)
    {
        if (!context.Request.QueryString.HasValue || context.GetEndpoint()?.Metadata.GetMetadata<KnownQuery>() is not { } known) return;
        var names = known._parameters.ConvertAll(parameter => parameter.Name);
        if (context.Request.Query.Keys.FirstOrDefault(key => !names.Contains(key, StringComparer.OrdinalIgnoreCase)) is not { } unknown) return;
        throw new InvalidInputException(unknown, names.Count == 0 ? "is not known: this address takes no parameters" : KnownMembers.Unknown(names, unknown));
    }

    /// <summary>A handler's parameter as callers know it, and what its value must be, if that can be said.</summary>
    public static (string Name, string? Form) Describe(HttpContext context, string member)
    {
        var (_, name, type) = context.GetEndpoint()?.Metadata.GetMetadata<KnownQuery>()?._parameters
            .Find(parameter => parameter.Member.Equals(member, StringComparison.OrdinalIgnoreCase) || parameter.Name == member) ?? default;
        return (name ?? member.ToLowerInvariant(), (Nullable.GetUnderlyingType(type ?? typeof(string)) ?? type) switch
        {
            var given when given == typeof(bool) => "true or false",
            var given when given == typeof(int) => "a whole number",
            var given when given == typeof(DateTimeOffset) => BadJson.Instant,
            _ => null,
        });
    }

    private static IEnumerable<(string Member, string Name, Type Type)> Read(ParameterInfo parameter)
    {
        if (parameter.GetCustomAttributes<AsParametersAttribute>().Any())
            return parameter.ParameterType.GetProperties().Where(property => NameOf(property) is not null).Select(property => (property.Name, NameOf(property)!, property.PropertyType));
        var name = NameOf(parameter) ?? (IsPlain(parameter.ParameterType) ? parameter.Name : null);
        return name is null ? [] : [(parameter.Name!, name, parameter.ParameterType)];
    }

    private static string? NameOf(ICustomAttributeProvider member) => member.GetCustomAttributes(inherit: true).OfType<IFromQueryMetadata>().FirstOrDefault()?.Name;

    /// <summary>What is read from the query without being marked.</summary>
    private static bool IsPlain(Type type) => type == typeof(string) || (type.IsValueType && type != typeof(CancellationToken));
}

/// <summary>Marks an address whose callers put into the query what they will.</summary>
internal sealed record AnyQuery;
