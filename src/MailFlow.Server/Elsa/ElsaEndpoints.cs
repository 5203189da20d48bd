using MailFlow.Server.Access;
using MailFlow.Server.Elsa.Definitions;
using MailFlow.Server.Elsa.Descriptors;
using MailFlow.Server.Elsa.Viewer;
using Microsoft.AspNetCore.Authorization;

namespace MailFlow.Server.Elsa;

/// <summary>The part of Elsa Server's REST API that Elsa Studio calls, over our own journeys and instances.</summary>
internal static class ElsaEndpoints
{
    public static IServiceCollection AddElsaApi(this IServiceCollection services)
    {
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, ShownErrors>();
        services.AddSingleton<Authors>();
        services.AddSingleton<Choices>().AddSingleton<ActivityDescriptors>();
        services.AddSingleton<Consumers>().AddSingleton<StudioForm>().AddSingleton<StudioSaves>().AddSingleton<StudioDefinitions>();
        services.AddSingleton<ObservedInstances>().AddHostedService<InstanceUpdates>();
        services.AddSignalR();
        return services;
    }

    public static void MapElsaApi(this IEndpointRouteBuilder app)
    {
        var api = app.MapGroup("/elsa/api").AddEndpointFilter(new ShownErrors()).ExcludeFromDescription();
        api.MapDescriptors();
        api.MapDefinitions();
        api.MapInstancesOfElsa();
        app.MapHub<InstanceHub>(InstanceHub.Path).RequireScope(Scopes.JourneysRead);
    }
}
