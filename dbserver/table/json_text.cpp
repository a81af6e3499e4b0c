#include "dbserver/table/json_text.hpp"

namespace stadion::dbserver {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

void append_utf8(std::string& to, std::uint32_t code) {
    if (code < 0x80) {
        to += static_cast<char>(code);
    } else if (code < 0x800) {
        to += static_cast<char>(0xc0 | code >> 6);
        to += static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        to += static_cast<char>(0xe0 | code >> 12);
        to += static_cast<char>(0x80 | (code >> 6 & 0x3f));
        to += static_cast<char>(0x80 | (code & 0x3f));
    } else {
        to += static_cast<char>(0xf0 | code >> 18);
        to += static_cast<char>(0x80 | (code >> 12 & 0x3f));
        to += static_cast<char>(0x80 | (code >> 6 & 0x3f));
        to += static_cast<char>(0x80 | (code & 0x3f));
    }
}

int hex_value(char c) {
    const auto at = hex_digits.find(c);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

} // namespace

std::string hexadecimal(std::uint64_t number, int digits) {
    std::string text(static_cast<std::size_t>(digits), '0');
    for (auto at = text.rbegin(); at != text.rend(); ++at, number >>= 4) *at = hex_digits[number & 15];
    return text;
}

bool parse_hexadecimal(std::string_view text, std::uint64_t& number) {
    number = 0;
    if (text.empty() || text.size() > 16) return false;
    for (const char c : text) {
        const int digit = hex_value(c);
        if (digit < 0) return false;
        number = number << 4 | static_cast<std::uint64_t>(digit);
    }
    return true;
}

void json_reader::skip_space() noexcept {
    while (position_ < text_.size()) {
        const char c = text_[position_];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
        ++position_;
    }
}

bool json_reader::take(char c) noexcept {
    skip_space();
    if (!ok_ || position_ == text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
}

void json_reader::expect(char c) {
    if (!take(c)) fail();
}

bool json_reader::next_key(std::string_view& key) {
    if (!ok_ || take('}')) return fresh_ = false;
    if (!fresh_) expect(',');
    fresh_ = false;
    key = string();
    expect(':');
    return ok_;
}

std::string_view json_reader::string() {
    expect('"');
    const std::size_t from = position_;
    while (ok_ && position_ < text_.size()) {
        const char c = text_[position_];
        if (c == '"') return text_.substr(from, position_++ - from);
        if (c == '\\') break;
        if (static_cast<unsigned char>(c) < 0x20) return fail(), std::string_view{};
        ++position_;
    }
    if (!ok_ || position_ >= text_.size()) return fail(), std::string_view{};
    std::string& copy =
        *unescaped_.emplace_back(std::make_unique<std::string>(text_.substr(from, position_ - from)));
    while (ok_ && position_ < text_.size()) {
        const char c = text_[position_++];
        if (c == '"') return copy;
        if (static_cast<unsigned char>(c) < 0x20) break;
        if (c == '\\')
            append_escape(copy);
        else
            copy += c;
    }
    return fail(), std::string_view{};
}

bool json_reader::hex4(std::uint32_t& code) {
    code = 0;
    for (int i = 0; i < 4; ++i) {
        if (position_ == text_.size()) return false;
        const char c = text_[position_++];
        const int digit = hex_value(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
        if (digit < 0) return false;
        code = code << 4 | static_cast<std::uint32_t>(digit);
    }
    return true;
}

void json_reader::append_escape(std::string& to) {
    if (position_ == text_.size()) return fail();
    switch (const char c = text_[position_++]; c) {
    case '"':
    case '\\':
    case '/':
        to += c;
        return;
    case 'b':
        to += '\b';
        return;
    case 'f':
        to += '\f';
        return;
    case 'n':
        to += '\n';
        return;
    case 'r':
        to += '\r';
        return;
    case 't':
        to += '\t';
        return;
    case 'u':
        break;
    default:
        return fail();
    }
    std::uint32_t code = 0;
    if (!hex4(code)) return fail();
    if (code >= 0xd800 && code < 0xdc00) {
        std::uint32_t low = 0;
        if (!take('\\') || !take('u') || !hex4(low) || low < 0xdc00 || low > 0xdfff) return fail();
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
        return fail();
    }
    append_utf8(to, code);
}

bool json_reader::boolean() {
    const std::string_view value = raw_value();
    if (value != "true" && value != "false") fail();
    return value == "true";
}

std::int64_t json_reader::seconds() {
    const bool negative = take('-');
    const auto whole = integer<std::int64_t>();
    std::int64_t fraction = 0;
    if (ok_ && position_ < text_.size() && text_[position_] == '.') {
        ++position_;
        std::int64_t unit = 100'000;
        for (; position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9'; ++position_) {
            fraction += unit * (text_[position_] - '0');
            unit /= 10;
        }
    }
    const std::int64_t microseconds = whole * 1'000'000 + fraction;
    return negative ? -microseconds : microseconds;
}

std::string_view json_reader::raw_value() {
    skip_space();
    const std::size_t from = position_;
    int depth = 0;
    while (ok_ && position_ < text_.size()) {
        const char c = text_[position_];
        if (c == '"') {
            string();
            if (depth == 0) break;
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']')) break;
        ++position_;
        if (c == '{' || c == '[') ++depth;
        if ((c == '}' || c == ']') && --depth == 0) break;
    }
    std::string_view value = text_.substr(from, position_ - from);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\n')) value.remove_suffix(1);
    if (value.empty()) fail();
    return value;
}

} // namespace stadion::dbserver
