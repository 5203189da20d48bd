using System.Data.Common;

namespace MailFlow.Data;

/// <summary>The current row of a query, read by column position. It is valid only inside the mapping function.</summary>
public readonly struct Row(DbDataReader reader, Dialect dialect)
{
    /// <summary>Whether the column is NULL.</summary>
    public bool IsNull(int column) => reader.IsDBNull(column);

    /// <summary>A whole number.</summary>
    public long Long(int column) => reader.GetInt64(column);

    /// <summary>A whole number, or null.</summary>
    public long? LongOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);

    /// <summary>A whole number within 32 bits.</summary>
    public int Int(int column) => checked((int)reader.GetInt64(column));

    /// <summary>A whole number within 32 bits, or null.</summary>
    public int? IntOrNull(int column) => reader.IsDBNull(column) ? null : Int(column);

    /// <summary>A floating-point number.</summary>
    public double Double(int column) => reader.GetDouble(column);

    /// <summary>A floating-point number, or null.</summary>
    public double? DoubleOrNull(int column) => reader.IsDBNull(column) ? null : Double(column);

    /// <summary>True or false.</summary>
    public bool Bool(int column) => dialect.IsPostgreSql ? reader.GetBoolean(column) : reader.GetInt64(column) != 0;

    /// <summary>Text.</summary>
    public string Text(int column) => reader.GetString(column);

    /// <summary>Text, or null.</summary>
    public string? TextOrNull(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    /// <summary>Bytes.</summary>
    public byte[] Bytes(int column) => reader.GetFieldValue<byte[]>(column);

    /// <summary>Bytes, or null.</summary>
    public byte[]? BytesOrNull(int column) => reader.IsDBNull(column) ? null : Bytes(column);

    /// <summary>A UUID.</summary>
    public Guid Uuid(int column) => dialect.ReadUuid(reader, column);

    /// <summary>A UUID, or null.</summary>
    public Guid? UuidOrNull(int column) => reader.IsDBNull(column) ? null : Uuid(column);

    /// <summary>An instant, kept as Unix milliseconds UTC.</summary>
    public DateTimeOffset Instant(int column) => DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(column));

    /// <summary>An instant, or null.</summary>
    public DateTimeOffset? InstantOrNull(int column) => reader.IsDBNull(column) ? null : Instant(column);

    /// <summary>A JSON column as plain CLR values (<see cref="JsonData"/>).</summary>
    public object? Json(int column) => reader.IsDBNull(column) ? null : JsonData.Parse(reader.GetString(column));
}
