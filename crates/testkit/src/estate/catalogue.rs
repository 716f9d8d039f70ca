//! What can be called: twelve APIs and their operations, as tables.

use wardgate_model::api::{OperationClass as Class, Sensitivity};

/// An operation of one of the estate's APIs.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    /// The API; its paths begin with `/` and this name.
    pub api: &'static str,
    /// The method.
    pub method: &'static str,
    /// The path template below the API's prefix.
    pub template: &'static str,
    /// What it does.
    pub class: Class,
    /// Records in a full answer.
    pub(super) records: u32,
    /// Bytes of a record in an answer.
    pub(super) record_bytes: u32,
    /// Bytes of a usual body; 0: it has none.
    pub(super) body: u32,
    /// How many things it can be asked for by id.
    pub(super) things: u64,
    /// What replaces it in the new version.
    pub(super) successor: Option<&'static Self>,
}

impl Operation {
    /// Its id as the gate says it: `API METHOD TEMPLATE`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{} {} /{}{}", self.api, self.method, self.api, self.template)
    }

    /// Whether its path names a thing.
    pub(super) fn names_one(&self) -> bool {
        self.template.contains('{')
    }

    /// Its path with this thing in the place of the parameter.
    pub(super) fn path(&self, resource: Option<u64>) -> String {
        let full = |template: &str| format!("/{}{template}", self.api);
        match (self.template.split_once('{'), resource) {
            (Some((before, rest)), Some(id)) => {
                let after = rest.split_once('}').map_or("", |(_, after)| after);
                format!("{}{id}{after}", full(before))
            }
            _ => full(self.template),
        }
    }
}

/// An API of the estate.
#[derive(Debug)]
pub struct Api {
    /// Its name.
    pub name: &'static str,
    /// Who answers for it.
    pub owner: &'static str,
    /// Where it lives.
    pub environment: &'static str,
    /// What a leak would mean.
    pub sensitivity: Sensitivity,
    /// Its operations.
    pub operations: &'static [&'static Operation],
}

const fn operation(api: &'static str, method: &'static str, template: &'static str, class: Class) -> Operation {
    let (records, record_bytes) = match class {
        Class::Bulk => (50_000, 220),
        Class::List => (50, 320),
        Class::Read => (1, 900),
        Class::Write | Class::Delete | Class::Admin | Class::Login | Class::Money => (0, 0),
    };
    let body = match class {
        Class::Write => 640,
        Class::Admin => 210,
        Class::Login => 96,
        Class::Money => 320,
        Class::Read | Class::List | Class::Delete | Class::Bulk => 0,
    };
    Operation { api, method, template, class, records, record_bytes, body, things: 40_000, successor: None }
}

/// One operation, with the name that habits and attacks call it by.
macro_rules! operations {
    ($($name:ident = $api:literal $method:literal $template:literal $class:ident $({ $field:ident: $value:expr })?;)*) => {
        $(pub(super) static $name: Operation =
            Operation { $($field: $value,)? ..operation($api, $method, $template, Class::$class) };)*
    };
}

operations! {
    LOGIN = "accounts" "POST" "/sessions" Login;
    CUSTOMERS = "accounts" "GET" "/customers" List;
    CUSTOMER = "accounts" "GET" "/customers/{id}" Read { things: 400_000 };
    CHANGE_CUSTOMER = "accounts" "PATCH" "/customers/{id}" Write { things: 400_000 };
    CHANGE_ROLES = "accounts" "POST" "/roles" Admin;

    PRODUCTS = "catalog" "GET" "/products" List { successor: Some(&PRODUCTS_2) };
    PRODUCT = "catalog" "GET" "/products/{sku}" Read { successor: Some(&PRODUCT_2) };
    PRICES = "catalog" "GET" "/prices" List;
    CHANGE_PRODUCT = "catalog" "PUT" "/products/{sku}" Write;
    PRODUCTS_2 = "catalog" "GET" "/v2/products" List;
    PRODUCT_2 = "catalog" "GET" "/v2/products/{sku}" Read;

    ORDERS = "orders" "GET" "/items" List;
    ORDER = "orders" "GET" "/items/{id}" Read { things: 900_000 };
    PLACE_ORDER = "orders" "POST" "/items" Write;
    CANCEL_ORDER = "orders" "DELETE" "/items/{id}" Delete { things: 900_000 };
    EXPORT_ORDERS = "orders" "GET" "/export" Bulk;

    STOCK = "inventory" "GET" "/stock" List;
    STOCK_OF = "inventory" "GET" "/stock/{sku}" Read;
    HOLD = "inventory" "POST" "/holds" Write;
    RELEASE_HOLD = "inventory" "DELETE" "/holds/{id}" Delete;
    PURCHASE = "inventory" "POST" "/purchases" Write;

    TRANSFERS = "payments" "GET" "/transfers" List;
    TRANSFER_OF = "payments" "GET" "/transfers/{id}" Read { things: 600_000 };
    TRANSFER = "payments" "POST" "/transfers" Money;
    REFUND = "payments" "POST" "/refunds" Money;

    ENTRIES = "ledger" "GET" "/entries" List;
    ENTRY = "ledger" "GET" "/entries/{id}" Read { things: 2_000_000 };
    BOOK = "ledger" "POST" "/entries" Write;
    EXPORT_LEDGER = "ledger" "GET" "/export" Bulk;

    SHIPMENTS = "shipping" "GET" "/shipments" List;
    TRACKING = "shipping" "GET" "/shipments/{id}" Read { things: 700_000 };
    LABEL = "shipping" "POST" "/labels" Write;

    FILES = "documents" "GET" "/files" List;
    FILE = "documents" "GET" "/files/{id}" Read { record_bytes: 48_000 };
    PUT_FILE = "documents" "PUT" "/files/{id}" Write { body: 36_000 };
    DROP_FILE = "documents" "DELETE" "/files/{id}" Delete;

    MESSAGES = "messages" "GET" "/messages" List;
    MESSAGE = "messages" "GET" "/messages/{id}" Read;
    SEND = "messages" "POST" "/messages" Write;

    REPORTS = "reports" "GET" "/reports" List;
    REPORT = "reports" "GET" "/reports/{id}" Read { things: 3_000 };
    REPORT_ROWS = "reports" "GET" "/reports/{id}/rows" List { things: 3_000 };
    ASK_REPORT = "reports" "POST" "/reports" Write;
    DUMP_REPORTS = "reports" "GET" "/dump" Bulk;

    PERSONS = "directory" "GET" "/people" List;
    PERSON = "directory" "GET" "/people/{id}" Read { things: 5_000 };
    KEYS = "directory" "GET" "/keys" List { records: 20 };
    MAKE_KEY = "directory" "POST" "/keys" Admin;
    DROP_KEY = "directory" "DELETE" "/keys/{id}" Delete { things: 400 };

    ARTIFACTS = "build" "GET" "/artifacts" List;
    ARTIFACT = "build" "GET" "/artifacts/{id}" Read { record_bytes: 90_000 };
    PUT_ARTIFACT = "build" "PUT" "/artifacts/{id}" Write { body: 60_000 };
    DEPLOY = "build" "POST" "/deployments" Write;
}

/// One API: its name, who answers for it, where it lives, what a leak would mean, its operations.
macro_rules! api {
    ($name:literal $owner:literal $environment:literal $sensitivity:ident: $($operation:ident)*) => {
        Api {
            name: $name,
            owner: $owner,
            environment: $environment,
            sensitivity: Sensitivity::$sensitivity,
            operations: &[$(&$operation,)*],
        }
    };
}

/// Everything that can be called.
pub const APIS: &[Api] = &[
    api!("accounts" "accounts-team" "production" Critical: LOGIN CUSTOMERS CUSTOMER CHANGE_CUSTOMER CHANGE_ROLES),
    api!("catalog" "commerce" "production" Low: PRODUCTS PRODUCT PRICES CHANGE_PRODUCT PRODUCTS_2 PRODUCT_2),
    api!("orders" "commerce" "production" High: ORDERS ORDER PLACE_ORDER CANCEL_ORDER EXPORT_ORDERS),
    api!("inventory" "commerce" "production" Medium: STOCK STOCK_OF HOLD RELEASE_HOLD PURCHASE),
    api!("payments" "payments" "production" Critical: TRANSFERS TRANSFER_OF TRANSFER REFUND),
    api!("ledger" "payments" "production" High: ENTRIES ENTRY BOOK EXPORT_LEDGER),
    api!("shipping" "logistics" "production" Medium: SHIPMENTS TRACKING LABEL),
    api!("documents" "platform" "production" High: FILES FILE PUT_FILE DROP_FILE),
    api!("messages" "platform" "production" Medium: MESSAGES MESSAGE SEND),
    api!("reports" "insights" "production" Medium: REPORTS REPORT REPORT_ROWS ASK_REPORT DUMP_REPORTS),
    api!("directory" "platform" "production" Critical: PERSONS PERSON KEYS MAKE_KEY DROP_KEY),
    api!("build" "platform" "staging" Low: ARTIFACTS ARTIFACT PUT_ARTIFACT DEPLOY),
];

/// Every operation of every API.
pub(super) fn operations() -> impl Iterator<Item = &'static Operation> {
    APIS.iter().flat_map(|api| api.operations.iter().copied())
}
