using Microsoft.AspNetCore.StaticFiles;

namespace MailFlow.Server.WebConsole;

/// <summary>Serves the console's files to anybody; what it shows it asks the API for, as whoever has signed in.</summary>
internal static partial class ConsoleHosting
{
    private const string Packed = ".br";

    public static void UseConsole(this WebApplication app)
    {
        if (ConsoleFiles.Find() is not { } files)
        {
            NotBuilt(app.Logger);
            return;
        }
        app.Use((context, next) => Route(context, files) ? next(context) : Task.CompletedTask);
        app.UseStaticFiles(new StaticFileOptions
        {
            FileProvider = files.Provider,
            ContentTypeProvider = new PackedTypes(files.Types),
            OnPrepareResponse = ConsoleFiles.SetHeaders,
        });
    }

    /// <summary>Turns an address into the file that answers it; false when it has been answered with a redirection.</summary>
    private static bool Route(HttpContext context, ConsoleFiles files)
    {
        var request = context.Request;
        var path = request.Path.Value ?? "/";
        if (context.GetEndpoint() is not null || !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))) return true;
        if (path.Contains("..", StringComparison.Ordinal) || path.Contains('\\')) return true;

        if (!path.EndsWith('/') && files.Has(path)) return Pack(context, files, path);
        if (path != "/" && !request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)) return true;
        if (ConsoleFiles.IsStudio(path) && files.StudioAddress is { } studio)
        {
            if (path == studio) return Pack(context, files, studio + "index.html");
            context.Response.Headers.CacheControl = "no-cache";
            context.Response.Redirect(studio + request.QueryString);
            return false;
        }
        return Pack(context, files, "/index.html"); // the console knows its own pages, and which there are not
    }

    /// <summary>Sends the twin that was packed when the console was built, to who can unpack it.</summary>
    private static bool Pack(HttpContext context, ConsoleFiles files, string path)
    {
        var takes = context.Request.Headers.AcceptEncoding.ToString().Contains("br", StringComparison.OrdinalIgnoreCase);
        if (takes && files.Has(path + Packed))
        {
            context.Response.Headers.ContentEncoding = "br";
            path += Packed;
        }
        context.Request.Path = path;
        return true;
    }

    /// <summary>A packed file is of the type of what is in it.</summary>
    private sealed class PackedTypes(IContentTypeProvider types) : IContentTypeProvider
    {
        public bool TryGetContentType(string subpath, [System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out string contentType)
        {
            var name = subpath.EndsWith(Packed, StringComparison.Ordinal) ? subpath[..^Packed.Length] : subpath;
            if (!types.TryGetContentType(name, out contentType)) contentType = "application/octet-stream";
            if (contentType.StartsWith("text/", StringComparison.Ordinal) && !contentType.Contains("charset", StringComparison.Ordinal)) contentType += "; charset=utf-8";
            return true;
        }
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "The web console was not built and is not served; the API works without it")]
    private static partial void NotBuilt(ILogger log);
}
