using MailFlow.Server.Access;
using MailFlow.Server.Nodes;

namespace MailFlow.Server.Api;

internal static class ClusterApi
{
    public static void MapCluster(this IEndpointRouteBuilder api) => api.MapGet("/cluster", (Cluster cluster, CancellationToken ct) => cluster.ReadAsync(ct))
        .RequireScope(Scopes.ClusterRead).WithTags("Cluster").WithSummary("Read which nodes run and what waits on them, over all accounts").Produces<ClusterView>();
}
