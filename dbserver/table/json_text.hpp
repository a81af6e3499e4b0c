// A JSON writer and reader for the few shapes that the store needs.
//
// The journal takes one line of JSON per update, at hundreds of thousands a second. Protobuf's printer and
// DOM parsers would cost more than the rest of the update. The writer appends to a string. The reader walks
// the text once, front to back, and returns views into it where nothing was escaped.
#pragma once

#include "wire/json_text.hpp"

#include <charconv>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace stadion::dbserver {

using wire::append_json_number;
using wire::append_json_seconds;
using wire::append_json_string;

// The number in `digits` lower-case hexadecimal digits, with leading zeros.
std::string hexadecimal(std::uint64_t number, int digits = 16);
// Takes 1 to 16 lower-case digits.
bool parse_hexadecimal(std::string_view text, std::uint64_t& number);

// A reader of one value. Once the text is not what was asked for, ok() is false for good, and every function
// returns an empty value.
class json_reader {
public:
    explicit json_reader(std::string_view text) : text_(text) {}

    bool ok() const noexcept { return ok_; }
    bool at_end() noexcept { return skip_space(), position_ == text_.size(); }

    // for (r.begin_object(); r.next_key(key);) { … read the value … }
    void begin_object() { expect('{'), fresh_ = true; }
    bool next_key(std::string_view& key);

    // The view is valid as long as both the reader and the text are.
    std::string_view string();
    bool boolean();
    template <typename Integer>
    Integer integer() {
        skip_space();
        Integer number{};
        const char* end = text_.data() + text_.size();
        const auto [stop, error] = std::from_chars(text_.data() + position_, end, number);
        if (error != std::errc{} || !ok_) return fail(), Integer{};
        position_ = static_cast<std::size_t>(stop - text_.data());
        return number;
    }
    std::int64_t seconds();       // a decimal number of seconds, as microseconds
    std::string_view raw_value(); // the text of any value, unparsed
    void fail() noexcept { ok_ = false; }

private:
    void skip_space() noexcept;
    void expect(char c);
    bool take(char c) noexcept;
    void append_escape(std::string& to);
    bool hex4(std::uint32_t& code);

    std::string_view text_;
    std::size_t position_ = 0;
    bool ok_ = true;
    bool fresh_ = false;
    std::vector<std::unique_ptr<std::string>> unescaped_;
};

} // namespace stadion::dbserver
