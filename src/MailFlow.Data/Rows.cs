using System.Text;
using NpgsqlTypes;

namespace MailFlow.Data;

/// <summary>
/// A set of rows handed to one statement, in which they stand as <c>{rows}</c>, a relation named <c>r</c> with the
/// columns declared here. One SQL text serves both databases: PostgreSQL runs it once over <c>unnest</c>ed arrays;
/// SQLite runs it prepared, once a row, in the same transaction, which in process is as fast.
/// An INSERT … SELECT with ON CONFLICT needs <c>WHERE true</c> after <c>{rows}</c> (SQLite's grammar is ambiguous without).
/// A statement that touches two rows of one set with the same key behaves differently on the two: give each key once.
/// </summary>
public abstract class Rows
{
    private protected readonly List<(string Name, NpgsqlDbType Type)> Columns = [];
    private string? _postgres, _sqlite;

    internal abstract int Count { get; }

    internal int ColumnCount => Columns.Count;

    internal string ColumnName(int column) => "r_" + Columns[column].Name;

    internal abstract ColumnArray Array(int column);

    internal abstract object? Value(int row, int column);

    internal string Expand(string sql, Dialect dialect)
    {
        var relation = dialect.IsPostgreSql ? _postgres ??= PostgresRelation() : _sqlite ??= SqliteRelation();
        return sql.Replace("{rows}", relation, StringComparison.Ordinal);
    }

    private string PostgresRelation()
    {
        var text = new StringBuilder("unnest(");
        text.AppendJoin(", ", Columns.Select(c => $"@r_{c.Name}{(c.Type == NpgsqlDbType.Jsonb ? "::jsonb[]" : "")}"));
        return text.Append(") AS r(").AppendJoin(", ", Columns.Select(c => c.Name)).Append(')').ToString();
    }

    private string SqliteRelation() => $"(SELECT {string.Join(", ", Columns.Select(c => $"@r_{c.Name} AS {c.Name}"))}) AS r";
}

/// <summary>Rows made from the items of a list.</summary>
public sealed class Rows<T>(IReadOnlyList<T> items) : Rows
{
    private readonly List<Func<T, object?>> _boxed = [];
    private readonly List<Func<IReadOnlyList<T>, Array>> _arrays = [];

    internal override int Count => items.Count;

    /// <summary>A BIGINT column.</summary>
    public Rows<T> Long(string name, Func<T, long> value) => Add(name, NpgsqlDbType.Bigint, value);

    /// <summary>A BIGINT column that may be NULL.</summary>
    public Rows<T> LongOrNull(string name, Func<T, long?> value) => Add(name, NpgsqlDbType.Bigint, value);

    /// <summary>An INT column.</summary>
    public Rows<T> Int(string name, Func<T, int> value) => Add(name, NpgsqlDbType.Integer, value);

    /// <summary>An INT column that may be NULL.</summary>
    public Rows<T> IntOrNull(string name, Func<T, int?> value) => Add(name, NpgsqlDbType.Integer, value);

    /// <summary>A DOUBLE PRECISION column (REAL on SQLite).</summary>
    public Rows<T> Double(string name, Func<T, double> value) => Add(name, NpgsqlDbType.Double, value);

    /// <summary>A BOOLEAN column (0 and 1 on SQLite).</summary>
    public Rows<T> Bool(string name, Func<T, bool> value) => Add(name, NpgsqlDbType.Boolean, value);

    /// <summary>A TEXT column; null is NULL.</summary>
    public Rows<T> Text(string name, Func<T, string?> value) => Add(name, NpgsqlDbType.Text, value);

    /// <summary>A JSON column, given as JSON text; null is NULL.</summary>
    public Rows<T> Json(string name, Func<T, string?> value) => Add(name, NpgsqlDbType.Jsonb, value);

    /// <summary>A column of bytes; null is NULL.</summary>
    public Rows<T> Bytes(string name, Func<T, byte[]?> value) => Add(name, NpgsqlDbType.Bytea, value);

    /// <summary>A UUID column.</summary>
    public Rows<T> Uuid(string name, Func<T, Guid> value) => Add(name, NpgsqlDbType.Uuid, value);

    /// <summary>A UUID column that may be NULL.</summary>
    public Rows<T> UuidOrNull(string name, Func<T, Guid?> value) => Add(name, NpgsqlDbType.Uuid, value);

    internal override ColumnArray Array(int column) => new(Columns[column].Type, _arrays[column](items));

    internal override object? Value(int row, int column) => _boxed[column](items[row]);

    private Rows<T> Add<TValue>(string name, NpgsqlDbType type, Func<T, TValue> value)
    {
        Columns.Add((name, type));
        _boxed.Add(item => value(item));
        _arrays.Add(all =>
        {
            var array = new TValue[all.Count];
            for (var i = 0; i < array.Length; i++) array[i] = value(all[i]);
            return array;
        });
        return this;
    }
}
