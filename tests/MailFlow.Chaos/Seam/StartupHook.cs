using System.Diagnostics.CodeAnalysis;
using System.Runtime.Loader;

/// <summary>
/// How a node comes to hold the seam: .NET itself runs this before the server's Main where <c>DOTNET_STARTUP_HOOKS</c> names this assembly. The server that is run is the one that
/// is shipped; it knows nothing of this.
/// </summary>
[SuppressMessage("Design", "CA1050", Justification = "The runtime looks for this name in no namespace.")]
internal static class StartupHook
{
    /// <summary>What the server has not got (it has nearly everything) lies beside this assembly.</summary>
    public static void Initialize()
    {
        Environment.SetEnvironmentVariable("LD_PRELOAD", null); // its clock (NodeClock) is not its children's
        var folder = Path.GetDirectoryName(typeof(StartupHook).Assembly.Location)!;
        AssemblyLoadContext.Default.Resolving += (context, name) =>
            Path.Combine(folder, name.Name + ".dll") is var file && File.Exists(file) ? context.LoadFromAssemblyPath(file) : null;
    }
}
