using System.Globalization;

namespace MailFlow.Content.Handlebars;

/// <summary>Amounts of money as English text: <c>$1,234.50</c>, <c>¥1,235</c>, <c>CHF 12.00</c>.</summary>
internal static class CurrencyText
{
    public static string Format(object? value, string code)
    {
        if (!TryNumber(value, out var amount)) return TemplateHelpers.Text(value);
        code = code.Length == 0 ? "USD" : code.ToUpperInvariant();
        var places = code is "JPY" or "KRW" or "VND" or "CLP" or "ISK" ? "N0" : "N2";
        var symbol = code switch { "USD" => "$", "EUR" => "€", "GBP" => "£", "JPY" => "¥", "INR" => "₹", "KRW" => "₩", _ => code + " " };
        var digits = Math.Abs(amount).ToString(places, CultureInfo.InvariantCulture);
        return amount < 0 && digits.AsSpan().IndexOfAnyInRange('1', '9') >= 0 ? $"-{symbol}{digits}" : symbol + digits;
    }

    public static bool TryNumber(object? value, out decimal number)
    {
        number = 0;
        switch (value)
        {
            case long whole: number = whole; return true;
            case int whole: number = whole; return true;
            case decimal exact: number = exact; return true;
            case double real when Math.Abs(real) < 1e27: number = (decimal)real; return true;
            case string text: return decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number);
            default: return false;
        }
    }
}
