#include "tools/replay/csv.hpp"

namespace stadion::tools {
namespace {

class csv_reader {
public:
    explicit csv_reader(std::string_view text) : left_(text) {
        if (left_.starts_with("\xef\xbb\xbf")) left_.remove_prefix(3);
    }

    bool is_at_end() const { return left_.empty(); }
    std::size_t line() const { return line_; }

    // The fields up to the end of the line, which is taken too.
    wire::result<std::vector<std::string>> read_row() {
        std::vector<std::string> fields;
        for (;;) {
            auto field = read_field();
            if (!field) return field.error();
            fields.push_back(std::move(*field));
            if (take(",")) continue;
            if (take("\r\n") || take("\n")) ++line_;
            return fields;
        }
    }

private:
    wire::result<std::string> read_field() {
        if (!take("\"")) {
            const auto size = std::min(left_.find_first_of(",\n"), left_.size());
            auto text = left_.substr(0, size);
            if (size < left_.size() && left_[size] == '\n' && text.ends_with('\r')) text.remove_suffix(1);
            left_.remove_prefix(text.size());
            return std::string(text);
        }
        const auto began = line_;
        std::string text;
        for (;;) {
            const auto size = left_.find('"');
            if (size == std::string_view::npos) return refuse(began, "a quote that is never closed");
            for (const char c : left_.substr(0, size)) line_ += c == '\n';
            text += left_.substr(0, size);
            left_.remove_prefix(size + 1);
            if (!take("\"")) break;
            text += '"';
        }
        if (!left_.empty() && left_.front() != ',' && left_.front() != '\n' && !left_.starts_with("\r\n"))
            return refuse(line_, "something behind a closing quote");
        return text;
    }

    bool take(std::string_view what) {
        if (!left_.starts_with(what)) return false;
        left_.remove_prefix(what.size());
        return true;
    }

    static wire::error refuse(std::size_t line, const char* what) {
        return wire::make_error(wire::status::invalid_argument,
                                "line " + std::to_string(line) + " has " + what);
    }

    std::string_view left_;
    std::size_t line_ = 1;
};

} // namespace

wire::result<std::vector<csv_row>> parse_csv(std::string_view text) {
    std::vector<csv_row> rows;
    csv_reader reader(text);
    while (!reader.is_at_end()) {
        csv_row row{reader.line(), {}};
        auto fields = reader.read_row();
        if (!fields) return fields.error();
        row.fields = std::move(*fields);
        if (row.fields.size() > 1 || !row.fields.front().empty()) rows.push_back(std::move(row));
    }
    return rows;
}

} // namespace stadion::tools
