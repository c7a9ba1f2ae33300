//! Erases a view's type where views meet, at half the code.
//!
//! An erased view carries the code for every way to hydrate it, and the asynchronous way (for parts of a
//! page that wait for data) is a tenth of the whole module, although nothing here waits: the server sends
//! every page complete. [`settled`] erases a view that never waits, and leaves that code out.

use std::future::Future;

use leptos::{
    attr::{Attribute, any_attribute::AnyAttribute},
    prelude::*,
    tachys::{
        hydration::Cursor,
        view::{Position, PositionState, add_attr::AddAnyAttr, any_view::AnyView},
    },
};

/// Erases the type of a view in which nothing suspends.
pub fn settled(view: impl RenderHtml + 'static) -> AnyView {
    Settled(view).into_any()
}

/// A view in which nothing suspends: hydrating it never waits.
struct Settled<V>(V);

impl<V: Render> Render for Settled<V> {
    type State = V::State;

    fn build(self) -> Self::State {
        self.0.build()
    }

    fn rebuild(self, state: &mut Self::State) {
        self.0.rebuild(state);
    }
}

impl<V: RenderHtml> AddAnyAttr for Settled<V> {
    type Output<A: Attribute> = Settled<V::Output<A>>;

    fn add_any_attr<A: Attribute>(self, attr: A) -> Self::Output<A>
    where
        Self::Output<A>: RenderHtml,
    {
        Settled(self.0.add_any_attr(attr))
    }
}

impl<V: RenderHtml> RenderHtml for Settled<V> {
    type AsyncOutput = Settled<V::AsyncOutput>;
    type Owned = Settled<V::Owned>;

    const MIN_LENGTH: usize = V::MIN_LENGTH;
    const EXISTS: bool = V::EXISTS;

    fn dry_resolve(&mut self) {
        self.0.dry_resolve();
    }

    async fn resolve(self) -> Self::AsyncOutput {
        Settled(self.0.resolve().await)
    }

    fn html_len(&self) -> usize {
        self.0.html_len()
    }

    fn to_html_with_buf(
        self,
        buf: &mut String,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        extra_attrs: Vec<AnyAttribute>,
    ) {
        self.0.to_html_with_buf(buf, position, escape, mark_branches, extra_attrs);
    }

    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> Self::State {
        self.0.hydrate::<FROM_SERVER>(cursor, position)
    }

    fn hydrate_async(self, cursor: &Cursor, position: &PositionState) -> impl Future<Output = Self::State> {
        std::future::ready(self.0.hydrate::<true>(cursor, position))
    }

    fn into_owned(self) -> Self::Owned {
        Settled(self.0.into_owned())
    }
}
