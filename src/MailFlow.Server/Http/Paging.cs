using System.ComponentModel;
using MailFlow.Data;
using Microsoft.AspNetCore.Mvc;

namespace MailFlow.Server.Http;

/// <summary>Which part of a list: a handler's <c>[AsParameters]</c>.</summary>
internal readonly struct Paging
{
    [FromQuery(Name = "cursor"), Description("Where the page begins: `next` of the page before it.")]
    public string? Cursor { get; init; }

    [FromQuery(Name = "limit"), Description("The most items to give, 1 to 1000; 100 if not said.")]
    public int? Limit { get; init; }

    /// <summary>The limit, within its range.</summary>
    public int Size => Limit is null ? 100
        : Limit is >= 1 and <= Data.Cursor.MaxLimit ? Limit.Value
        : throw new InvalidInputException("limit", $"must be 1 to {Data.Cursor.MaxLimit}");
}
