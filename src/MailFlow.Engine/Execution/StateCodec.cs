using System.Text;
using MailFlow.Data;

namespace MailFlow.Engine.Execution;

/// <summary>
/// The instance's state as bytes: a few dozen for a waiting instance, because ten million of them wait at once. The row's
/// <c>format</c> column says which layout it is; a new one is written only once every running node can read it.
/// </summary>
internal static class StateCodec
{
    /// <summary>The layout written.</summary>
    public const short Format = 1;

    [Flags]
    private enum Has : byte { None = 0, Wake = 1, EventType = 2, Follows = 4, Error = 8, Via = 16, Entry = 32 }

    /// <summary>Writes a state.</summary>
    public static byte[] Write(InstanceState state)
    {
        using var buffer = new MemoryStream(128);
        using var writer = new BinaryWriter(buffer, Encoding.UTF8);
        writer.Write7BitEncodedInt(state.Tokens.Count);
        foreach (var token in state.Tokens) Write(writer, token);
        writer.Write7BitEncodedInt(state.Visits.Count);
        foreach (var (node, count) in state.Visits)
        {
            writer.Write7BitEncodedInt(node);
            writer.Write7BitEncodedInt(count);
        }
        WriteMap(writer, state.Variables);
        WriteMap(writer, state.Trigger);
        var same = ReferenceEquals(state.Event, state.Trigger);
        writer.Write(same);
        if (!same) WriteMap(writer, state.Event);
        writer.Flush();
        return buffer.ToArray();
    }

    /// <summary>Reads a state. Throws <see cref="NotSupportedException"/> for a layout newer than this node knows.</summary>
    public static InstanceState Read(byte[] bytes, int format)
    {
        if (format != Format) throw new NotSupportedException($"Instance state of format {format} was written by a newer version of MailFlow.");
        using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        var state = new InstanceState();
        for (var left = reader.Read7BitEncodedInt(); left > 0; left--) state.Tokens.Add(ReadToken(reader));
        for (var left = reader.Read7BitEncodedInt(); left > 0; left--) state.Visits[reader.Read7BitEncodedInt()] = reader.Read7BitEncodedInt();
        foreach (var (name, value) in ReadMap(reader)) state.Variables[name] = value;
        state.Trigger = ReadMap(reader);
        state.Event = reader.ReadBoolean() ? state.Trigger : ReadMap(reader);
        return state;
    }

    private static void Write(BinaryWriter writer, Token token)
    {
        var has = (token.Wake is null ? Has.None : Has.Wake) | (token.EventType is null ? Has.None : Has.EventType)
            | (token.FollowsContact ? Has.Follows : Has.None) | (token.Error is null ? Has.None : Has.Error)
            | (token.Via < 0 ? Has.None : Has.Via) | (token.IsEntry ? Has.Entry : Has.None);
        writer.Write7BitEncodedInt(token.Node);
        writer.Write((byte)token.Phase);
        writer.Write((byte)has);
        writer.Write7BitEncodedInt(token.Visit);
        writer.Write7BitEncodedInt64(token.Since);
        if (token.Via >= 0) writer.Write7BitEncodedInt(token.Via);
        if (token.Wake is { } wake) writer.Write7BitEncodedInt64(wake);
        if (token.EventType is { } type) writer.Write(type);
        if (token.Error is { } error) writer.Write(error);
    }

    private static Token ReadToken(BinaryReader reader)
    {
        var node = reader.Read7BitEncodedInt();
        var phase = (TokenPhase)reader.ReadByte();
        var has = (Has)reader.ReadByte();
        var visit = reader.Read7BitEncodedInt();
        var since = reader.Read7BitEncodedInt64();
        return new Token
        {
            Node = node,
            Phase = phase,
            Visit = visit,
            Since = since,
            IsEntry = has.HasFlag(Has.Entry),
            FollowsContact = has.HasFlag(Has.Follows),
            Via = has.HasFlag(Has.Via) ? reader.Read7BitEncodedInt() : -1,
            Wake = has.HasFlag(Has.Wake) ? reader.Read7BitEncodedInt64() : null,
            EventType = has.HasFlag(Has.EventType) ? reader.ReadString() : null,
            Error = has.HasFlag(Has.Error) ? reader.ReadString() : null,
        };
    }

    private static void WriteMap(BinaryWriter writer, IReadOnlyDictionary<string, object?> map)
    {
        if (map.Count == 0)
        {
            writer.Write7BitEncodedInt(0);
            return;
        }
        var json = JsonData.WriteUtf8(map);
        writer.Write7BitEncodedInt(json.Length);
        writer.Write(json.Span);
    }

    private static IReadOnlyDictionary<string, object?> ReadMap(BinaryReader reader)
    {
        var length = reader.Read7BitEncodedInt();
        return length == 0 ? JsonData.Empty : (IReadOnlyDictionary<string, object?>)JsonData.Parse(reader.ReadBytes(length).AsMemory())!;
    }
}
