using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.FileProviders;
using Microsoft.Net.Http.Headers;

namespace MailFlow.Server.WebConsole;

/// <summary>The built console: where its files are, and how each is to be kept and guarded by a browser.</summary>
internal sealed class ConsoleFiles
{
    private const string StudioFolder = "studio", Immutable = "public, max-age=31536000, immutable", Revalidated = "no-cache";

    /// <summary>
    /// Scripts from here alone and none inline. Styles may be inline: the components set them on elements, and a mail that is shown has its own.
    /// A mail's frame is sandboxed and inherits this policy, so a mail that is looked at calls nobody.
    /// </summary>
    private const string ConsolePolicy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        + "connect-src 'self'; worker-src 'self' blob:; frame-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    /// <summary>Studio is WebAssembly and adds one inline script, the one with this hash, for its keyboard short cuts.</summary>
    private const string StudioPolicy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' 'sha256-snlP1jz0gjwc5cTz9ErZcliXuCK63+Mmf68RRCeptgc='; style-src 'self' 'unsafe-inline'; "
        + "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'";

    private readonly string _folder;

    private ConsoleFiles(string folder)
    {
        _folder = folder;
        Types = new FileExtensionContentTypeProvider();
        foreach (var ending in new[] { ".dat", ".blat", ".pdb" }) Types.Mappings[ending] = "application/octet-stream";
        Types.Mappings[".wasm"] = "application/wasm";
        var studio = new DirectoryInfo(Path.Combine(folder, StudioFolder));
        StudioAddress = studio.Exists ? $"/{StudioFolder}/{studio.EnumerateDirectories().Single().Name}/" : null;
    }

    public FileExtensionContentTypeProvider Types { get; }

    /// <summary>
    /// Studio's own folder carries its version, so that everything in it can be kept for good although many of its files have no hash in their names;
    /// null where it was not built.
    /// </summary>
    public string? StudioAddress { get; }

    public IFileProvider Provider => new PhysicalFileProvider(_folder);

    /// <summary>Beside the server when published; in <c>artifacts/console</c> when run from source. Null when it was not built.</summary>
    public static ConsoleFiles? Find()
    {
        string[] places = [Path.Combine(AppContext.BaseDirectory, "console"), Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "console")];
        return places.Select(Path.GetFullPath).FirstOrDefault(place => File.Exists(Path.Combine(place, "index.html"))) is { } folder ? new ConsoleFiles(folder) : null;
    }

    public bool Has(string path) => File.Exists(_folder + path);

    public static bool IsStudio(PathString path) => path.StartsWithSegments("/" + StudioFolder);

    /// <summary>The headers of a file that is about to be sent.</summary>
    public static void SetHeaders(StaticFileResponseContext file)
    {
        var (path, headers) = (file.Context.Request.Path, file.Context.Response.Headers);
        var isPage = file.Context.Response.ContentType?.StartsWith("text/html", StringComparison.Ordinal) == true;
        headers.CacheControl = !isPage && (path.StartsWithSegments("/assets") || IsStudio(path)) ? Immutable : Revalidated;
        headers.ContentSecurityPolicy = IsStudio(path) ? StudioPolicy : ConsolePolicy;
        headers[HeaderNames.Vary] = HeaderNames.AcceptEncoding;
        if (IsStudio(path)) headers.XFrameOptions = "SAMEORIGIN";
    }
}
