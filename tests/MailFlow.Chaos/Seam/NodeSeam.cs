using MailFlow.Chaos.Seam;
using MailFlow.Data;
using MailFlow.Delivery;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

[assembly: HostingStartup(typeof(NodeSeam))]

namespace MailFlow.Chaos.Seam;

/// <summary>What a node under test gets on top of what it is: labelled points at which it can be made to die, and a kind of provider that speaks to the <see cref="Esp.StubEsp"/>.</summary>
/// <remarks>ASP.NET Core calls it where <c>ASPNETCORE_HOSTINGSTARTUPASSEMBLIES</c> names this assembly, before the server registers anything.</remarks>
internal sealed class NodeSeam : IHostingStartup
{
    /// <summary>The file that tells this node what to do at which point.</summary>
    public const string OrdersVariable = "MAILFLOW_CHAOS_ORDERS";

    /// <summary>Where the stub listens, and what it is: <see cref="ReplayPolicy"/>.</summary>
    public const string EspVariable = "MAILFLOW_CHAOS_ESP", ModeVariable = "MAILFLOW_CHAOS_MODE";

    /// <summary>Has the node go by its own clock: <see cref="Mutation.NoSharedClock"/>.</summary>
    public const string OwnClockVariable = "MAILFLOW_CHAOS_OWN_CLOCK";

    public void Configure(IWebHostBuilder builder) => builder.ConfigureServices(services =>
    {
        if (Environment.GetEnvironmentVariable(OrdersVariable) is { Length: > 0 } orders) services.AddSingleton<IFaultPoints>(new OrderedFaults(orders));
        if (Environment.GetEnvironmentVariable(OwnClockVariable) is { Length: > 0 }) services.AddSingleton<TimeProvider>(new OwnClock());
        if (Environment.GetEnvironmentVariable(EspVariable) is { Length: > 0 } esp)
            services.AddSingleton<IProviderType>(new StubType(new Uri(esp), Enum.Parse<ReplayPolicy>(Environment.GetEnvironmentVariable(ModeVariable)!)));
    });

    /// <summary>The environment of a node that is to have the seam.</summary>
    public static IEnumerable<(string Name, string Value)> Environs(string orders, Uri esp, ReplayPolicy mode, Mutation mutation) =>
    [
        ("DOTNET_STARTUP_HOOKS", typeof(NodeSeam).Assembly.Location), ("ASPNETCORE_HOSTINGSTARTUPASSEMBLIES", typeof(NodeSeam).Assembly.GetName().Name!),
        (OrdersVariable, orders), (EspVariable, esp.AbsoluteUri), (ModeVariable, mode.ToString()),
        .. mutation == Mutation.NoSharedClock ? [(OwnClockVariable, "1")] : Array.Empty<(string, string)>(),
    ];

    /// <summary>The system's, but not by that name: the database's clock stands in for no other.</summary>
    private sealed class OwnClock : TimeProvider;
}
